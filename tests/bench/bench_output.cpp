// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/bench_output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iostream>

#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/bench/bench.h"

namespace lifeboat::test {
namespace {

namespace po = boost::program_options;

std::string read_or_throw(const std::string& path) {
  auto text = read_text(path, 16_MiB);
  if (!text) throw BenchError(text.error().to_string());
  return *std::move(text);
}

void write_or_throw(const std::string& path, const std::string& text) {
  const auto written = rewrite_file_atomically(path, as_byte_span(text), 0644);
  if (!written) throw BenchError(written.error().to_string());
}

// Of the first processor.
std::string processor_name() {
  const std::string text = read_text("/proc/cpuinfo", 16_MiB).value_or("");
  const auto at = text.find("model name");
  const auto colon = text.find(": ", at);
  if (at == std::string::npos || colon == std::string::npos) return "unknown processor";
  return text.substr(colon + 2, text.find('\n', colon) - colon - 2);
}

void replace_block(const std::string& path, const std::string& name, const std::string& block) {
  std::string text = read_or_throw(path);
  const std::string begin = fmt::format("<!-- {}: begin -->\n", name);
  const std::string end = fmt::format("<!-- {}: end -->\n", name);
  const auto from = text.find(begin);
  const auto to = text.find(end, from == std::string::npos ? 0 : from);
  if (from == std::string::npos || to == std::string::npos)
    throw BenchError(fmt::format("{} has no place for these tables: the lines {} and {}", path,
                                 begin.substr(0, begin.size() - 1), end.substr(0, end.size() - 1)));
  text.replace(from + begin.size(), to - from - begin.size(), block);
  write_or_throw(path, text);
}

}  // namespace

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 3);
    for (size_t index = 0; index < row.size(); ++index)
      widths[index] = std::max(widths[index], row[index].size());
  }
  const auto line = [&widths](const std::vector<std::string>& row) {
    std::string text = "|";
    for (size_t index = 0; index < widths.size(); ++index)
      text += fmt::format(" {:<{}} |", index < row.size() ? row[index] : "", widths[index]);
    return text + '\n';
  };
  std::string text = line(rows_.front()) + '|';
  for (const size_t width : widths) text += std::string(width + 2, '-') + '|';
  text += '\n';
  for (size_t row = 1; row < rows_.size(); ++row) text += line(rows_[row]);
  return text;
}

Json target(const std::string& what, double value, double most) {
  return {{"what", what}, {"value", value}, {"most", most}, {"met", value <= most}};
}

bool all_met(const Json& targets) {
  return std::ranges::all_of(targets, [](const Json& each) { return each["met"].get<bool>(); });
}

std::string met_text(const Json& target) {
  return target["met"].get<bool>() ? "met" : "NOT MET";
}

void add_output_options(po::options_description& options, OutputOptions& output) {
  options.add_options()("json", po::value(&output.json)->value_name("FILE"), "write the figures, as JSON")(
      "markdown", po::value(&output.markdown)->value_name("FILE"), "put the tables into their place in FILE")(
      "from", po::value(&output.from)->value_name("FILE"),
      "measure nothing: take the figures from what --json wrote")("help", "print this");
}

bool parse_options(int argc, char** argv, const po::options_description& options) {
  try {
    po::variables_map values;
    // A positional argument is an error, not a value of the first option.
    po::store(po::command_line_parser(argc, argv)
                  .options(options)
                  .positional(po::positional_options_description())
                  .run(),
              values);
    if (values.contains("help")) {
      std::cout << options;
      return false;
    }
    po::notify(values);
    return true;
  } catch (const po::error& error) {
    throw BenchError(error.what());
  }
}

Json new_document(const std::string& name) {
  utsname system{};
  ::uname(&system);
  const std::string release = system.release;
  struct sysinfo memory{};
  ::sysinfo(&memory);
  return {{"bench", name},
          {"measured", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
          {"machine",
           {{"processor", processor_name()},
            {"cpus", ::sysconf(_SC_NPROCESSORS_ONLN)},
            {"memory_bytes", uint64_t{memory.totalram} * memory.mem_unit},
            {"kernel", release.substr(0, release.find('-'))}}}};
}

std::string machine_text(const Json& document) {
  const Json& machine = document["machine"];
  return fmt::format("{} CPUs ({}), {}, Linux {}; {}", machine["cpus"].get<int>(),
                     machine["processor"].get<std::string>(),
                     format_size(machine["memory_bytes"].get<uint64_t>()),
                     machine["kernel"].get<std::string>(), document["measured"].get<std::string>());
}

Json read_document(const std::string& path) {
  auto document = Json::parse(read_or_throw(path), nullptr, false);
  if (document.is_discarded()) throw BenchError(path + " is not JSON");
  return document;
}

void put_out(const Json& document, const std::string& tables, const OutputOptions& output) {
  std::cout << tables << std::flush;
  if (!output.json.empty()) write_or_throw(output.json, document.dump(2) + '\n');
  if (!output.markdown.empty()) replace_block(output.markdown, document["bench"].get<std::string>(), tables);
}

}  // namespace lifeboat::test
