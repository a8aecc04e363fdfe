// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/report_text.h"

#include <algorithm>
#include <array>

#include "src/inspect/fold.h"

namespace lifeboat::inspect {
namespace {

constexpr size_t kMaxFrames = 16;   // of the stack that matters
constexpr size_t kShortFrames = 3;  // of the others
constexpr size_t kGroupFrames = 5;  // of tasks that wait
constexpr size_t kShownCpus = 4;
constexpr size_t kShownGroups = 4;
constexpr size_t kShownTasks = 4;  // of a group
constexpr size_t kShownModules = 8;

// kernel/sched: how a task goes to sleep, not why.
constexpr std::array<std::string_view, 8> kWaiting = {
    "__schedule",      "schedule",        "schedule_timeout", "schedule_preempt_disabled",
    "__schedule_loop", "schedule_rtlock", "io_schedule",      "io_schedule_timeout",
};

// The letters of task states, as ps(1) has them, in plain text.
std::string_view state_words(char state) {
  switch (state) {
    case 'R':
      return "running or ready";
    case 'S':
      return "asleep";
    case 'D':
      return "waiting, cannot be woken by signals";
    case 'I':
      return "idle kernel threads";
    case 'T':
    case 't':
      return "stopped";
    case 'Z':
    case 'X':
      return "ended";
    case 'P':
      return "parked";
    default:
      return "in an unknown state";
  }
}

class Writer {
 public:
  Writer(const Report& report, const Style& style) : report_(report), style_(style) {}

  std::string write(const std::string& path) {
    machine(path);
    if (report_.machine.live) {
      row("state", "running; what follows changes while it is read");
      taint();
    } else {
      crash();
      stack();
      other_cpus();
    }
    tasks();
    memory();
    modules();
    log();
    notes();
    return std::move(text_);
  }

 private:
  void heading(std::string_view title) { text_ += fmt::format("\n{}\n", style_.heading(title)); }
  void row(std::string_view name, std::string_view value) {
    text_ += fmt::format("{:<11} {}\n", name, one_line(value));
  }
  void alarm(std::string_view name, std::string_view value) {
    text_ += fmt::format("{:<11} {}\n", name, style_.alarm(one_line(value)));
  }

  void machine(const std::string& path) {
    const auto& machine = report_.machine;
    if (!machine.live && !machine.missing.empty()) {
      alarm("NOT WHOLE",
            machine.missing.front() + (machine.missing.size() > 1 ? " (and more: see the end)" : ""));
    }
    if (machine.live) {
      row("source", path);
    } else {
      row("dump", fmt::format("{} ({}{})", path, format_name(machine.format),
                              machine.dump_level ? fmt::format(", level {}", *machine.dump_level) : ""));
    }
    if (machine.uts) {
      row("kernel", fmt::format("{} {}", machine.uts->release, machine.uts->version));
    } else {
      row("kernel", unknown_because(machine.uts.error()));
    }
    std::string hardware;
    if (machine.uts && !machine.uts->nodename.empty() && machine.uts->nodename != "(none)")
      hardware = machine.uts->nodename + ": ";
    if (report_.cpus > 0) hardware += plural(report_.cpus, "CPU") + ", ";
    hardware += format_pages(machine.ram_pages, machine.page_size);
    if (machine.crash && machine.crash->hardware) hardware += ", " + *machine.crash->hardware;
    row("machine", hardware);
    if (machine.live) {
      if (machine.uptime_nanoseconds) row("up", format_uptime(*machine.uptime_nanoseconds));
      return;
    }
    std::string when =
        machine.crash_time ? format_utc(*machine.crash_time) : unknown_because(machine.crash_time.error());
    if (machine.crash) when += ", up " + format_uptime(machine.crash->uptime_nanoseconds);
    row("crashed", when);
  }

  void crash() {
    const auto& crash = report_.machine.crash;
    if (!crash) {
      row("panic", unknown_because(crash.error()));
    } else {
      if (crash->panic) {
        alarm("panic", *crash->panic);
        if (crash->cause && crash->cause != crash->panic) row("cause", *crash->cause);
      } else if (crash->cause) {
        alarm("cause", *crash->cause);
        row("panic", "no panic message: the kernel started the capture kernel right after the cause");
      } else {
        alarm("panic", "none found in the log");
      }
    }
    alarm("kind", fmt::format("{}: {}", kind_name(report_.kind), kind_explanation(report_.kind)));
    if (!report_.reason.empty() &&
        (!crash || (report_.reason != crash->panic && report_.reason != crash->cause)))
      row("", "because " + report_.reason);
    if (crash) fault(*crash);
    std::string where = report_.cpu ? fmt::format("CPU {}", *report_.cpu) : "an unknown CPU";
    if (report_.pid) where += fmt::format(", task {}", *report_.pid);
    if (report_.comm) where += " " + *report_.comm;
    row(report_.noticed_elsewhere ? "noticed by" : "where", where);
    // In the kinds in which something else stopped the CPU, this shows which interrupts could not.
    if (report_.interrupts_off.value_or(false) &&
        (report_.kind == CrashKind::nmi || report_.kind == CrashKind::rcu_stall))
      row("interrupts", "were off in the stack below: a CPU that stays so for long is locked up hard");
    taint();
    if (!report_.signature.hash.empty()) row("signature", report_.signature.hash);
  }

  void fault(const CrashSummary& crash) {
    if (crash.fault_address) {
      row("address", fmt::format("{}{}: {}", format_address(*crash.fault_address),
                                 crash.access.empty() ? "" : ", " + crash.access, report_.address_meaning));
    }
    if (!crash.location) return;
    std::string instruction = *crash.location;
    // A jump to an invalid address: the caller is what matters.
    if (crash.access == "execute" && report_.stack && report_.panic_frames + 1 < report_.stack->frames.size())
      instruction += ", called by " + report_.stack->frames[report_.panic_frames + 1].to_string();
    row("instruction", instruction);
  }

  void taint() {
    if (!report_.taint) {
      row("taint", unknown_because(report_.taint.error()));
      return;
    }
    const auto taints = read_taint(*report_.taint);
    if (taints.empty()) row("taint", "none");
    for (size_t index = 0; index < taints.size(); ++index)
      row(index == 0 ? "taint" : "", fmt::format("{}: {}", taints[index].letter, taints[index].meaning));
  }

  void stack() {
    heading("Stack of " + one_line(report_.stack_title));
    if (!report_.stack) {
      text_ += fmt::format("  {}\n", one_line(unknown_because(report_.stack.error())));
      return;
    }
    // The panic path is always the same and left out; but a stack that is nothing else is shown.
    const auto& frames = report_.stack->frames;
    const size_t hidden = report_.panic_frames < frames.size() ? report_.panic_frames : 0;
    const std::vector<NamedFrame> shown(frames.begin() + static_cast<std::ptrdiff_t>(hidden), frames.end());
    text_ += frames_text(shown, kMaxFrames, style_, Recursion::folded);
    if (!report_.stack->end.empty()) text_ += fmt::format("  ({})\n", one_line(report_.stack->end));
  }

  // Innermost first, without the frames that all tasks that panic or wait have, unless there are no others.
  static std::string in_short(const NamedStack& stack, size_t limit) {
    const auto& frames = stack.frames;
    size_t first = panic_path_length(frames);
    while (first < frames.size() &&
           std::ranges::find(kWaiting, plain_function_name(frames[first].symbol)) != kWaiting.end())
      ++first;
    if (first == frames.size()) first = 0;
    std::string text;
    for (size_t index = first; index < frames.size(); ++index) {
      if (index - first == limit) return text + " < ...";
      text += fmt::format("{}{}", index == first ? "" : " < ", plain_function_name(frames[index].symbol));
    }
    return text.empty() ? stack.end : text;
  }

  // The idle task, in its loop, and not in an interrupt.
  static bool is_idle(const NamedStack& stack) {
    bool idle = false;
    for (size_t index = 0; index < stack.frames.size(); ++index) {
      if (index > 0 && stack.frames[index].frame.interrupted) return false;
      idle = idle || stack.frames[index].symbol == "do_idle";
    }
    return idle && stack.pid == 0;
  }

  void other_cpus() {
    if (report_.other_cpus.empty() && report_.cpus_without_stack.empty()) return;
    heading("Other CPUs");
    for (size_t index = 0; index < report_.other_cpus.size(); ++index) {
      if (index == kShownCpus) {
        text_ +=
            fmt::format("  and {} ('bt -a' shows all)\n", plural(report_.other_cpus.size() - index, "other"));
        break;
      }
      const auto& stack = report_.other_cpus[index];
      const std::string panicked = stack.cpu == report_.cpu ? "panicked: " : "";
      const std::string pid = stack.pid < 0 ? "?" : fmt::format("{}", stack.pid);
      text_ += fmt::format("  CPU {}  {:>6} {:<15}  {}{}\n", stack.cpu, pid, one_line(stack.comm), panicked,
                           is_idle(stack) ? "idle" : one_line(in_short(stack, kShortFrames)));
    }
    for (const auto& reason : report_.cpus_without_stack) text_ += fmt::format("  {}\n", one_line(reason));
  }

  void tasks() {
    heading("Tasks");
    if (!report_.task_count) {
      text_ += fmt::format("  {}\n", one_line(unknown_because(report_.task_count.error())));
      return;
    }
    text_ += fmt::format("  {}:", plural(*report_.task_count, "thread"));
    const char* separator = " ";
    for (const auto& [state, count] : report_.states) {
      text_ += fmt::format("{}{} {} ({})", separator, count, state_words(state), state);
      separator = ", ";
    }
    text_ += '\n';
    for (size_t index = 0; index < report_.blocked.size(); ++index) {
      if (index == kShownGroups) {
        text_ += fmt::format("  and {} of tasks in D state ('ps --state D')\n",
                             plural(report_.blocked.size() - index, "other group"));
        break;
      }
      blocked(report_.blocked[index]);
    }
  }

  void blocked(const BlockedGroup& group) {
    text_ += fmt::format("  {} in D state:", plural(group.tasks.size(), "task"));
    for (size_t index = 0; index < std::min(group.tasks.size(), kShownTasks); ++index)
      text_ += fmt::format(" {} ({})", one_line(group.tasks[index]->comm), group.tasks[index]->pid);
    if (group.tasks.size() > kShownTasks) text_ += " ...";
    text_ += fmt::format("\n    {}\n", one_line(in_short(group.stack, kGroupFrames)));
  }

  void memory() {
    heading("Memory");
    const PageSize page_size = report_.machine.page_size;
    if (report_.memory) {
      std::string line;
      const auto add = [&](std::string_view name, const std::optional<uint64_t>& pages) {
        if (pages)
          line += fmt::format("{}{} {}", line.empty() ? "" : ", ", name, format_pages(*pages, page_size));
      };
      const MemoryUse& use = *report_.memory;
      add("total", use.total);
      add("free", use.free);
      add("cache", use.cache);
      add("anonymous", use.anonymous);
      if (use.slab_reclaimable && use.slab_unreclaimable)
        add("slab", *use.slab_reclaimable + *use.slab_unreclaimable);
      add("shared", use.shared);
      if (use.swap_total.value_or(0) != 0) add("free swap", use.swap_free);
      text_ += fmt::format("  {}\n", line);
    } else {
      text_ += fmt::format("  {}\n", one_line(unknown_because(report_.memory.error())));
    }
    if (!report_.processes) {
      if (report_.memory)
        text_ += fmt::format("  processes: {}\n", one_line(unknown_because(report_.processes.error())));
      return;
    }
    std::string line;
    for (const auto& process : *report_.processes)
      line += fmt::format("{}{} ({}) {}", line.empty() ? "" : ", ", one_line(process.comm), process.pid,
                          format_pages(process.resident(), page_size));
    if (!line.empty()) text_ += fmt::format("  largest: {}\n", line);
  }

  void modules() {
    if (!report_.tainting_modules) {
      heading("Modules that taint the kernel");
      text_ += fmt::format("  {}\n", one_line(unknown_because(report_.tainting_modules.error())));
      return;
    }
    if (report_.tainting_modules->empty()) return;
    heading("Modules that taint the kernel");
    for (size_t index = 0; index < report_.tainting_modules->size(); ++index) {
      if (index == kShownModules) {
        text_ += fmt::format("  and {}\n", plural(report_.tainting_modules->size() - index, "other"));
        break;
      }
      const auto& module = (*report_.tainting_modules)[index];
      text_ += fmt::format("  {} ({})\n", one_line(module.name), module.taints);
    }
  }

  void log() {
    if (report_.last_records.empty()) return;
    heading(report_.records_behind > 0 ? "The log, up to the error" : "Last lines of the log");
    for (const auto& record : report_.last_records)
      text_ += format_record(record, ShowCaller::no, LogReader::person);
    if (report_.records_behind > 0)
      text_ += fmt::format("  (and {} after that, summarised above; 'log' shows all)\n",
                           plural(report_.records_behind, "record"));
  }

  void notes() {
    if (report_.notes.empty()) return;
    heading("What is missing");
    for (const auto& note : report_.notes) text_ += fmt::format("  {}\n", one_line(note));
  }

  const Report& report_;
  const Style& style_;
  std::string text_;
};

}  // namespace

std::string place_text(std::string_view file, uint32_t line, const Style& style) {
  if (file.empty()) return "";
  return style.faint(line == 0 ? fmt::format(" at {}", one_line(file))
                               : fmt::format(" at {}:{}", one_line(file), line));
}

std::string frames_text(const std::vector<NamedFrame>& frames, size_t limit, const Style& style,
                        Recursion recursion) {
  std::string text;
  std::string_view stack = frames.empty() ? kTaskStack : frames.front().frame.stack;
  size_t shown = 0;
  const auto line = [&](size_t index) {
    const auto& frame = frames[index];
    if (frame.frame.stack != stack) {
      stack = frame.frame.stack;
      text += style.faint(fmt::format("  --- {} stack ---", stack)) + "\n";
    }
    for (const auto& inlined : frame.inlined)
      text += fmt::format("      {} (inlined){}\n",
                          one_line(inlined.function.empty() ? "a function" : inlined.function),
                          place_text(inlined.file, inlined.line, style));
    text += fmt::format("  #{:<2} {}{}{}{}\n", index, frame.frame.reliable ? "" : "? ",
                        one_line(frame.to_string()), place_text(frame.file, frame.line, style),
                        frame.frame.interrupted && index > 0 ? "  (interrupted here)" : "");
    ++shown;
  };
  const std::vector<Fold> folds = recursion == Recursion::folded
                                      ? fold_recursion(frames)
                                      : std::vector<Fold>{{.first = 0, .length = frames.size(), .times = 1}};
  for (const auto& fold : folds) {
    for (size_t index = fold.first; index < fold.first + fold.length; ++index) {
      if (shown == limit)
        return text + fmt::format("  ... {} ('bt' shows all)\n", plural(frames.size() - index, "more frame"));
      line(index);
    }
    if (fold.times > 1)
      text += fmt::format("  ... and {} more of {}\n", plural(fold.times - 1, "time"),
                          fold.length == 1 ? std::string("the same") : fmt::format("these {}", fold.length));
  }
  return text;
}

std::string report_text(const Report& report, const std::string& path, const Style& style) {
  return Writer(report, style).write(path);
}

}  // namespace lifeboat::inspect
