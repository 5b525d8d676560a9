#include "core_count.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace abstractllm::cpu {

namespace {

#if defined(__linux__)

// One logical processor of each core in the affinity mask. 0 when the mask cannot be read.
size_t cores_in_mask() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 0;
  std::set<std::pair<int, int>> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    int package = 0, core = 0;
    const bool known = (std::ifstream(topology + "physical_package_id") >> package) &&
                       (std::ifstream(topology + "core_id") >> core);
    cores.insert(known ? std::pair(package, core) : std::pair(-1, cpu));
  }
  return cores.size();
}

double quota_in(const std::string& folder) {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  double quota = 0, period = 0;
  std::ifstream v2(folder + "/cpu.max");  // "max 100000" fails to parse, which means no limit
  if (v2 >> quota >> period) return period > 0 ? quota / period : kNone;
  if ((std::ifstream(folder + "/cpu.cfs_quota_us") >> quota) && (std::ifstream(folder + "/cpu.cfs_period_us") >> period)) {
    return quota > 0 && period > 0 ? quota / period : kNone;
  }
  return kNone;
}

// The tightest processor quota of this process's cgroup and the ones above it.
double cgroup_quota() {
  double tightest = std::numeric_limits<double>::infinity();
  std::ifstream lines("/proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool is_v1 = ("," + controllers + ",").find(",cpu,") != std::string::npos;
    if (!controllers.empty() && !is_v1) continue;
    const std::string mount = is_v1 ? "/sys/fs/cgroup/" + controllers : "/sys/fs/cgroup";
    for (std::string path = line.substr(second + 1);; path.resize(path.rfind('/'))) {
      tightest = std::min(tightest, quota_in(mount + path));
      if (path.rfind('/') == std::string::npos) break;
    }
  }
  return tightest;
}

size_t platform_cores() {
  size_t cores = cores_in_mask();
  if (cores == 0) cores = std::thread::hardware_concurrency();
  const double quota = cgroup_quota();
  return quota < static_cast<double>(cores) ? static_cast<size_t>(std::ceil(quota)) : cores;
}

#elif defined(__APPLE__)

size_t platform_cores() {
  for (const char* key : {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
    int count = 0;
    size_t size = sizeof count;
    if (sysctlbyname(key, &count, &size, nullptr, 0) == 0 && count > 0) return static_cast<size_t>(count);
  }
  return std::thread::hardware_concurrency();
}

#else

size_t platform_cores() { return std::thread::hardware_concurrency(); }

#endif

}  // namespace

size_t usable_cores() { return std::max<size_t>(1, platform_cores()); }

size_t usable_processors() {
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return static_cast<size_t>(CPU_COUNT(&mask));
#endif
  return std::max<size_t>(1, std::thread::hardware_concurrency());
}

}  // namespace abstractllm::cpu
