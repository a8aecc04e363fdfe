// SPDX-License-Identifier: GPL-2.0-or-later
// What the benches write: a JSON document, and tables made of it, for the terminal and for
// docs/benchmarks.md.
#pragma once

#include <boost/program_options.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace lifeboat::test {

using Json = nlohmann::ordered_json;

// Rows of cells under a heading.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // In Markdown, its columns aligned so that it can be read as it stands.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// A figure with a goal: `value` may be at most `most`.
Json target(const std::string& what, double value, double most);
// Whether all of a list of these are met.
bool all_met(const Json& targets);
std::string met_text(const Json& target);

// Options that all benches have.
struct OutputOptions {
  std::string json, markdown, from;  // paths; empty: not wanted
};
// --json, --markdown, --from, --help.
void add_output_options(boost::program_options::options_description& options, OutputOptions& output);
// Parses `options`; false: the help was asked for, and is printed. A BenchError for what is wrong.
bool parse_options(int argc, char** argv, const boost::program_options::options_description& options);

// A new document of the bench `name`: when and on what machine it ran.
Json new_document(const std::string& name);
// "4 x AMD EPYC, 24 GiB, Linux 6.1.0": of such a document.
std::string machine_text(const Json& document);
// One that was written before, as --from asks.
Json read_document(const std::string& path);

// Prints `tables`, and does what the options ask: --json writes the document, --markdown puts the tables into
// the file, between the lines "<!-- NAME: begin -->" and "<!-- NAME: end -->". A BenchError when it has no
// such lines.
void put_out(const Json& document, const std::string& tables, const OutputOptions& output);

}  // namespace lifeboat::test
