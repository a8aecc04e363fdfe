// SPDX-License-Identifier: GPL-2.0-or-later
// crash has no output for programs: its tables are read as it prints them.
#include <sstream>

#include "tests/peers/views.h"

namespace lifeboat::test {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The two letters of crash, as ps shows the state.
char state_of(const std::string& letters) {
  // TASK_WAKING, on its way to a run queue. The kernel reports it as running (task_state_index()).
  if (letters == "WA") return 'R';
  static const std::map<std::string, char> known = {{"RU", 'R'}, {"IN", 'S'}, {"UN", 'D'},
                                                    {"ID", 'I'}, {"ZO", 'Z'}, {"ST", 'T'},
                                                    {"TR", 't'}, {"PA", 'P'}, {"DE", 'X'}};
  const auto found = known.find(letters);
  return found == known.end() ? '?' : found->second;
}

// [>] PID PPID CPU TASK ST %MEM VSZ RSS COMM, kernel threads in brackets.
void read_tasks(const std::string& text, View& view) {
  for (std::string line : lines_of(text)) {
    if (line.starts_with('>')) line.front() = ' ';
    std::istringstream words(line);
    int64_t pid = 0, ppid = 0, cpu = 0;
    std::string task, state, memory, virtual_size, resident, comm;
    if (!(words >> pid >> ppid >> cpu >> task >> state >> memory >> virtual_size >> resident >> std::ws))
      continue;
    std::getline(words, comm);
    if (comm.starts_with('[') && comm.ends_with(']')) comm = comm.substr(1, comm.size() - 2);
    view.tasks[std::stoull(task, nullptr, 16)] = {pid, ppid, comm, state_of(state), {}};
  }
}

// PID: 1  TASK: ff41ab4181244200  CPU: 0  COMMAND: "init"
//  #0 [ff71e50b40013748] __schedule at ffffffff926eca50
//  #1 [ff71e50b40297e80] kjournald2 at ffffffffc02b5a62 [jbd2]
// The registers at the end, and in the middle where an exception came in, are passed over.
void read_stacks(const std::string& text, View& view) {
  SeenTask* task = nullptr;
  for (const auto& line : lines_of(text)) {
    std::istringstream words(line);
    std::string first, word;
    words >> first;
    if (first == "PID:") {
      while (words >> word && word != "TASK:") continue;
      words >> word;
      const auto found = view.tasks.find(std::stoull(word, nullptr, 16));
      task = found == view.tasks.end() ? nullptr : &found->second;
      EXPECT_NE(task, nullptr) << "a stack of a task that ps does not list: " << line;
    } else if (task != nullptr && first == "---") {
      // What stands above is the handler of the NMI that stopped this CPU, after it saved the registers that
      // the dump has.
      EXPECT_NE(line.find("NMI"), std::string::npos) << line;
      task->frames.clear();
    } else if (task != nullptr && first.starts_with('#')) {
      SeenFrame frame;
      std::string stack, at, address;
      words >> stack >> frame.name >> at >> address;
      EXPECT_EQ(at, "at") << line;
      frame.address = std::stoull(address, nullptr, 16);
      task->frames.push_back(std::move(frame));
    }
  }
}

// MODULE NAME TEXT_BASE SIZE OBJECT_FILE
void read_modules(const std::string& text, View& view) {
  for (const auto& line : lines_of(text)) {
    std::istringstream words(line);
    std::string module, name, base;
    uint64_t size = 0;
    if (words >> module >> name >> base >> size) view.modules[name] = {std::stoull(base, nullptr, 16), size};
  }
}

View look_with_crash() {
  View view;
  auto folder = TempDir::create("lifeboat-crash");
  if (!folder) {
    ADD_FAILURE() << folder.error().to_string();
    return view;
  }
  const auto path = [&folder](const char* name) { return (folder->path() / name).string(); };
  const std::string commands = fmt::format("ps > {}\nforeach bt > {}\nmod > {}\nlog > {}\nquit\n", path("ps"),
                                           path("bt"), path("mod"), path("log"));
  EXPECT_TRUE(write_file_atomically(path("commands"), as_byte_span(commands), 0600));
  const auto output = run({peer_program("crash"), "-s", "-i", path("commands"), debug_vmlinux(),
                           (rehearsal() / "vmcore").string()});
  EXPECT_EQ(output.status, 0) << output.text;
  read_tasks(text_of(path("ps")), view);
  read_stacks(text_of(path("bt")), view);
  read_modules(text_of(path("mod")), view);
  view.log = text_of(path("log"));
  return view;
}

}  // namespace

const View& crash_view() {
  static const View view = look_with_crash();
  return view;
}

}  // namespace lifeboat::test
