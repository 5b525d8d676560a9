// Runs one GGUF kernel over standard input: `gguf_blocks <affine|dequantize> <ggml type number>`. Affine output is the
// words, then the scales, then the biases. `time` repeats the kernel and prints milliseconds of the fastest run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../src/gguf/gguf_blocks.h"

using abstractllm::gguf::BlockType;

namespace {

std::vector<uint8_t> read_input() {
  std::vector<uint8_t> bytes;
  uint8_t chunk[1 << 16];
  size_t count = 0;
  while ((count = std::fread(chunk, 1, sizeof chunk, stdin)) > 0) {
    bytes.insert(bytes.end(), chunk, chunk + count);
  }
  return bytes;
}

template <typename T>
void write_output(const std::vector<T>& values) {
  if (values.empty()) {
    return;
  }
  std::fwrite(values.data(), sizeof(T), values.size(), stdout);
}

void run_affine(const BlockType& type, const uint8_t* src, size_t blocks, bool write) {
  std::vector<uint32_t> w(blocks * type.block_size * type.affine_bits / 32);
  std::vector<uint16_t> scales(blocks);
  std::vector<uint16_t> biases(blocks);
  type.to_affine(src, blocks, w.data(), scales.data(), biases.data());
  if (write) {
    write_output(w);
    write_output(scales);
    write_output(biases);
  }
}

void run_dequantize(const BlockType& type, const uint8_t* src, size_t blocks, bool write) {
  std::vector<float> dst(blocks * type.block_size);
  type.dequantize(src, blocks, dst.data());
  if (write) {
    write_output(dst);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    return 2;
  }
  const BlockType* type = abstractllm::gguf::find_block_type(uint32_t(std::atoi(argv[2])));
  const bool affine = std::strcmp(argv[1], "affine") == 0;
  if (type == nullptr || (affine && type->to_affine == nullptr)) {
    return 3;
  }
  const std::vector<uint8_t> input = read_input();
  // an odd address, as tensor data in a file can have
  std::vector<uint8_t> unaligned(input.size() + 1);
  std::copy(input.begin(), input.end(), unaligned.begin() + 1);
  const uint8_t* src = unaligned.data() + 1;
  const size_t blocks = input.size() / type->block_bytes;
  const auto run = affine ? run_affine : run_dequantize;
  const int repeats = argc > 3 && std::strcmp(argv[3], "time") == 0 ? 5 : 0;
  double best = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run(*type, src, blocks, false);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    best = elapsed.count() < best ? elapsed.count() : best;
  }
  if (repeats > 0) {
    std::printf("%.3f\n", best);
    return 0;
  }
  run(*type, src, blocks, true);
  return 0;
}
