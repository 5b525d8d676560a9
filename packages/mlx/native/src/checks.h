// Arguments that libmlx takes and then divides by zero or reads out of bounds on; the operation table names them.
#pragma once

#include <string>
#include <vector>

#include "env.h"

namespace abstractllm {

// Strides of a slice: zero never arrives.
const mx::Shape& nonzero(const mx::Shape& strides);

// A positive number, or nothing.
int positive(int n, const char* name);
const std::optional<int>& positive(const std::optional<int>& n, const char* name);

// What an axis splits into: -1 cannot be told beside a 0.
const mx::Shape& inferable(const mx::Shape& shape);

const std::vector<mx::array>& nonempty(const std::vector<mx::array>& arrays);

// An update with as many axes as the array it goes into.
const mx::array& like(const mx::array& update, const mx::array& a);

// Strides whose every element lies inside of `a`.
mx::Strides inside(const mx::array& a, const mx::Shape& shape, const std::vector<int>& strides, int offset);

}  // namespace abstractllm
