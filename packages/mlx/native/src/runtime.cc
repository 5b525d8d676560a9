// Streams, devices, memory, the random state and the library's version.
#include <algorithm>
#include <mutex>

#include "bind.h"
#include "huge_pages.h"
#include "mlx/version.h"

namespace abstractllm {

namespace {

mx::Device device_from(int id) {
  if (id != 0 && id != 1) throw AddonError("invalid-argument", "unknown device " + std::to_string(id));
  return id == 1 ? mx::Device(mx::Device::gpu) : mx::Device(mx::Device::cpu);
}

napi_value device_info(mx::Device d, Env& e) {
  napi_value out;
  napi_create_object(e.env, &out);
  for (const auto& [key, value] : mx::device_info(d)) {
    napi_value v = std::visit([&](const auto& x) { return write(e, x); }, value);
    napi_set_named_property(e.env, out, key.c_str(), v);
  }
  return out;
}

// What libmlx's CPU allocator keeps for arrays that come next, until the cache is cleared. Its own limit of 32 MiB is below
// single arrays of a picture, and new pages must be found and cleared, which takes longer than most operations on them.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kCpuCacheLimit = 0;  // sanitizers see a read beyond an array where its memory is not that of an earlier one
#else
constexpr size_t kCpuCacheLimit = size_t{1} << 30;
#endif

void set_first_cache_limit() {
  static std::once_flag once;  // environments that come later leave it as users have set it
  std::call_once(once, [] {
    if (!mx::is_available(mx::Device::gpu)) mx::set_cache_limit(kCpuCacheLimit);
  });
}

}  // namespace

void register_runtime(Env* e, napi_value x) {
  set_first_cache_limit();
  bind(e, x, "version", [] { return std::string(mx::version()); });
  bind(e, x, "headerVersion", [] {
    return std::to_string(MLX_VERSION_MAJOR) + "." + std::to_string(MLX_VERSION_MINOR) + "." +
           std::to_string(MLX_VERSION_PATCH);
  });
  bind(e, x, "isDeviceAvailable", [](int id) { return mx::is_available(device_from(id)); });
  bind(e, x, "isMetalAvailable", [] { return mx::metal::is_available(); });
  bind(e, x, "isCudaAvailable", [] { return mx::cu::is_available(); });
  bind(e, x, "deviceInfo", [](int id, Env& env) { return device_info(device_from(id), env); });
  bind(e, x, "defaultDevice", [] { return mx::default_device() == mx::Device::gpu ? 1 : 0; });
  bind(e, x, "setDefaultDevice", [](int id) {
    mx::Device d = device_from(id);
    if (!mx::is_available(d)) throw AddonError("unavailable", "this libmlx has no gpu here");
    mx::set_default_device(d);
  });
  bind(e, x, "newStream", [](int device) { return mx::new_stream(device_from(device)).index; });
  bind(e, x, "defaultStream", [](int device) { return mx::default_stream(device_from(device)).index; });
  bind(e, x, "setDefaultStream", [](int index, int device) {
    mx::Stream stream(index, device_from(device));
    auto known = mx::get_streams();
    if (std::find(known.begin(), known.end(), stream) == known.end()) {
      throw AddonError("invalid-argument", "there is no stream " + std::to_string(index) + " on this device");
    }
    mx::set_default_stream(stream);
  });
  bind(e, x, "synchronize", [] { mx::synchronize(); });
  bind(e, x, "getActiveMemory", [] { return mx::get_active_memory() + huge_page_bytes(); });
  bind(e, x, "getPeakMemory", [] { return mx::get_peak_memory() + huge_page_bytes(); });
  bind(e, x, "resetPeakMemory", [] { mx::reset_peak_memory(); });
  bind(e, x, "getCacheMemory", [] { return mx::get_cache_memory(); });
  bind(e, x, "setMemoryLimit", [](uint64_t bytes) { return mx::set_memory_limit(bytes); });
  bind(e, x, "getMemoryLimit", [] { return mx::get_memory_limit(); });
  bind(e, x, "setCacheLimit", [](uint64_t bytes) { return mx::set_cache_limit(bytes); });
  bind(e, x, "setWiredLimit", [](uint64_t bytes) { return mx::set_wired_limit(bytes); });
  bind(e, x, "clearCache", [] { mx::clear_cache(); });
  bind(e, x, "seed", [](uint64_t seed) { mx::random::seed(seed); });
  bind(e, x, "setCompileEnabled", [](bool on) {
    mx::set_compile_mode(on ? mx::CompileMode::enabled : mx::CompileMode::disabled);
  });
}

}  // namespace abstractllm
