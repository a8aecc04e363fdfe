// SPDX-License-Identifier: GPL-2.0-or-later
// Values of crashkernel=, and the files of boot loaders in which they are.
#include <algorithm>
#include <string>

#include "loader/grubenv.h"
#include "src/reservation/boot_log.h"
#include "src/reservation/command_line_text.h"
#include "src/reservation/crashkernel.h"
#include "src/reservation/reserve_record.h"

namespace {

using namespace lifeboat;
using namespace lifeboat::reservation;

// Command lines lie in the text, one after the other.
void read_as_loader_files(const std::string& text) {
  for (const auto form :
       {CommandLineForm::whole_file, CommandLineForm::options_lines, CommandLineForm::shell_variable,
        CommandLineForm::zipl, CommandLineForm::extlinux, CommandLineForm::refind, CommandLineForm::limine}) {
    const auto spans = find_command_lines(form, text, "options", "file");
    if (!spans) continue;
    size_t from = 0;
    for (const auto& span : *spans) {
      if (span.begin < from || span.end < span.begin || span.end > text.size()) __builtin_trap();
      from = span.end;
    }
  }
  for (const auto& [name, value] : grub_variables(text)) {
    const auto edited = with_grub_variable("file", text, name, value + " crashkernel=1M");
    if (edited && edited->size() != std::max<size_t>(text.size(), 1024)) __builtin_trap();
  }
  (void)parse_record(text);
  (void)reservation_lines(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_as_loader_files(text);
  const auto request = crashkernel_request(text);
  for (const auto& parameter : request.parameters) {
    for (const uint64_t ram : {uint64_t{0}, uint64_t{1} << 30, UINT64_MAX}) {
      for (const bool rounded : {false, true}) (void)parameter.size_for(ram, rounded);
    }
    if (!parse_crashkernel(parameter.text)) __builtin_trap();
  }
  return 0;
}
