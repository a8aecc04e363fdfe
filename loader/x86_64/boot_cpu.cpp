// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/boot_cpu.h"

#include <fmt/core.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <string_view>

#include "loader/command_line.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat::x86_64 {
namespace {

constexpr std::string_view kParameter = "disable_cpu_apicid=";

using Lines = std::map<std::string, std::string, std::less<>>;

// get_option() reads the parameter's value into an int (lib/cmdline.c).
constexpr uint64_t kMaxNumber = INT32_MAX;

// "apicid<tab><tab>: 0" of the first CPU, whose lines end with an empty one. The file has megabytes on a
// large machine.
Lines first_cpu(const std::string& proc) {
  std::ifstream file(proc + "/cpuinfo");
  Lines lines;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::string_view text = line;
    const size_t colon = text.find(':');
    if (colon != std::string_view::npos)
      lines.emplace(trim(text.substr(0, colon)), trim(text.substr(colon + 1)));
  }
  return lines;
}

std::optional<uint64_t> number_of(const Lines& lines, std::string_view name) {
  const auto found = lines.find(name);
  return found == lines.end() ? std::nullopt : parse_number(found->second);
}

}  // namespace

std::optional<std::string> boot_cpu_parameter(const std::string& proc) {
  // A kernel that itself runs on another CPU than the boot CPU: then CPU 0 is that other one.
  const std::string running = read_line(proc + "/cmdline").value_or("");
  for (const auto& parameter : split_parameters(running))
    if (parameter.starts_with(kParameter)) return parameter;
  const Lines cpu = first_cpu(proc);
  if (number_of(cpu, "processor") != 0u) return std::nullopt;
  // The number by which firmware's tables list it, which is what the kernel compares.
  auto number = number_of(cpu, "initial apicid");
  if (!number) number = number_of(cpu, "apicid");
  if (!number || *number > kMaxNumber) return std::nullopt;
  return fmt::format("{}{}", kParameter, *number);
}

}  // namespace lifeboat::x86_64
