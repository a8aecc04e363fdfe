// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/report.h"

#include <algorithm>

#include "src/inspect/fault_address.h"
#include "src/inspect/tainting_modules.h"

namespace lifeboat::inspect {
namespace {

constexpr size_t kMaxBlocked = 5000;
constexpr size_t kMaxCpus = 256;
constexpr size_t kMaxProcesses = 5;
constexpr size_t kLastRecords = 12;

class Reporter {
 public:
  explicit Reporter(const Session& session) : session_(session) {}

  Report make() {
    report_.machine = summarize(session_);
    report_.cpus = static_cast<uint32_t>(std::max(report_.machine.cpus, 0));
    if (report_.cpus == 0 && session_.per_cpu())
      report_.cpus = static_cast<uint32_t>(session_.per_cpu()->cpus().size());
    if (report_.machine.crash) crash_ = &*report_.machine.crash;
    report_.taint = read_taint_mask();
    if (session_.live()) {
      report_.stack = fail(ErrorCode::not_found, "the kernel is running: no CPU panicked");
    } else {
      add_crash();
      add_stack();
      add_other_cpus();
    }
    add_tasks();
    report_.memory = read_memory_use(session_);
    report_.processes = read_process_memory(session_);
    if (report_.processes && report_.processes->size() > kMaxProcesses)
      report_.processes->resize(kMaxProcesses);
    report_.tainting_modules = tainting_modules(session_);
    add_log();
    add_missing();
    return std::move(report_);
  }

 private:
  void add_crash() {
    if (crash_ != nullptr) {
      report_.kind = crash_->kind;
      report_.reason = crash_->reason;
      if (crash_->fault_address) {
        const KernelMemory& kernel = *session_.kernel();
        report_.address_meaning =
            explain_fault_address(kernel.architecture(), kernel.page_size(), *crash_->fault_address);
      }
      if (crash_->access == "execute")
        report_.address_meaning += ", and the kernel tried to execute code there";
      report_.pid = crash_->pid;
      report_.comm = crash_->comm;
    }
    report_.cpu = panic_cpu(session_);
    if (!report_.cpu && crash_ != nullptr) report_.cpu = crash_->cpu;
    if (report_.cpu) {
      if (const Task* task = running_task(session_, *report_.cpu)) {
        report_.pid = task->pid;
        report_.comm = task->comm;
      }
    }
  }

  Result<uint64_t> read_taint_mask() {
    if (!session_.symbols()) return std::unexpected(session_.symbols().error());
    const auto address = session_.symbols()->address_of("tainted_mask");
    if (!address)
      return fail(ErrorCode::not_found,
                  "the kernel's symbols do not list tainted_mask (CONFIG_KALLSYMS_ALL is needed)");
    return session_.kernel()->read<uint64_t>(*address);
  }

  // The task or CPU that hung is not the one that noticed it.
  Result<NamedStack> find_stack() {
    const bool stalled_rcu = crash_ != nullptr && crash_->kind == CrashKind::rcu_stall;
    if (crash_ != nullptr && (crash_->kind == CrashKind::hung_task || stalled_rcu) && crash_->blocked_pid &&
        session_.tasks()) {
      const auto& tasks = session_.tasks()->tasks;
      const auto task = std::ranges::find(tasks, *crash_->blocked_pid, &Task::pid);
      if (task != tasks.end()) {
        report_.stack_title =
            fmt::format("task {} {}, which {}", task->pid, task->comm, stalled_rcu ? "held RCU up" : "hung");
        if (task->on_cpu) subject_cpu_ = task->cpu;
        report_.noticed_elsewhere = subject_cpu_ != report_.cpu || !subject_cpu_;
        return stack_of_task(session_, *task);
      }
    }
    if (crash_ != nullptr && crash_->locked_cpu && crash_->locked_cpu != report_.cpu) {
      if (auto stack = stack_of_cpu(session_, *crash_->locked_cpu)) {
        report_.stack_title = fmt::format("CPU {}, which {}", *crash_->locked_cpu,
                                          stalled_rcu ? "held RCU up" : "was locked up");
        if (stack->pid >= 0) report_.stack_title += fmt::format(" in task {} {}", stack->pid, stack->comm);
        subject_cpu_ = crash_->locked_cpu;
        report_.noticed_elsewhere = true;
        return stack;
      }
    }
    if (!report_.cpu) {
      if (!session_.unwinder()) return std::unexpected(session_.unwinder().error());
      return fail(ErrorCode::not_found, "which CPU panicked is not known");
    }
    report_.stack_title = fmt::format("CPU {}, which panicked", *report_.cpu);
    subject_cpu_ = report_.cpu;
    return stack_of_cpu(session_, *report_.cpu);
  }

  void add_stack() {
    report_.stack = find_stack();
    if (report_.stack_title.empty()) report_.stack_title = "the CPU that panicked";
    if (!report_.stack) return;
    const auto& frames = report_.stack->frames;
    for (size_t index = 0; index < frames.size() && report_.kind == CrashKind::unknown; ++index) {
      const auto kind =
          kind_of_function(session_.kernel()->architecture(), plain_function_name(frames[index].symbol));
      if (!kind) continue;
      report_.kind = *kind;
      report_.reason = fmt::format("{} is on the stack", frames[index].symbol);
    }
    report_.panic_frames = first_significant_frame(report_.kind, frames);
    if (report_.panic_frames < frames.size()) {
      const auto& registers = frames[report_.panic_frames].frame.registers;
      if (registers) report_.interrupts_off = registers->interrupts_off;
    }
    report_.signature = make_signature(report_.kind, frames);
  }

  void add_other_cpus() {
    if (!session_.registers()) return;
    size_t shown = 0;
    for (const auto& saved : *session_.registers()) {
      if (saved.cpu == subject_cpu_) continue;
      if (++shown > kMaxCpus) {
        report_.notes.push_back(fmt::format(
            "only the stacks of {} other CPUs are shown; see one with 'lifeboat inspect DUMP bt --cpu CPU'",
            kMaxCpus));
        return;
      }
      auto stack = stack_of_cpu(session_, saved.cpu);
      if (stack) {
        report_.other_cpus.push_back(std::move(*stack));
      } else {
        report_.cpus_without_stack.push_back(stack.error().message);
      }
    }
  }

  void add_tasks() {
    if (!session_.tasks()) {
      report_.task_count = std::unexpected(session_.tasks().error());
      return;
    }
    const auto& list = *session_.tasks();
    report_.task_count = list.tasks.size();
    std::map<std::string, size_t> groups;
    size_t blocked = 0;
    for (const auto& task : list.tasks) {
      ++report_.states[task.state];
      if (task.state != 'D' || ++blocked > kMaxBlocked) continue;
      auto stack = stack_of_task(session_, task);
      std::string key;
      if (stack) {
        for (const auto& frame : stack->frames) key += frame.symbol + "\n";
      } else {
        stack = NamedStack{.pid = task.pid, .comm = task.comm, .end = stack.error().message};
      }
      const auto [place, is_new] = groups.emplace(std::move(key), report_.blocked.size());
      if (is_new) report_.blocked.push_back({{}, std::move(*stack)});
      report_.blocked[place->second].tasks.push_back(&task);
    }
    if (blocked > kMaxBlocked)
      report_.notes.push_back(
          fmt::format("only the first {} of {} tasks in D state are grouped", kMaxBlocked, blocked));
    std::ranges::stable_sort(report_.blocked, std::greater{},
                             [](const BlockedGroup& group) { return group.tasks.size(); });
    for (const auto& note : list.notes) report_.notes.push_back("tasks: " + note);
  }

  void add_log() {
    if (!session_.log()) return;
    const auto& log = *session_.log();
    // After the panic, or after the first line of a long error before it, there are registers and stacks,
    // which the report shows better above.
    size_t end = log.records.size();
    const auto end_behind = [&](const std::optional<std::string>& line, size_t nearest) {
      for (size_t index = end; line && index-- > 0;) {
        if (log.records[index].text.find(*line) == std::string::npos) continue;
        if (end - index > nearest) end = index + 1;
        return;
      }
    };
    if (crash_ != nullptr) {
      end_behind(crash_->panic, 0);
      end_behind(crash_->cause, kLastRecords);
    }
    const size_t first = end - std::min(end, kLastRecords);
    report_.last_records.assign(log.records.begin() + static_cast<std::ptrdiff_t>(first),
                                log.records.begin() + static_cast<std::ptrdiff_t>(end));
    report_.records_behind = log.records.size() - end;
    if (log.unreadable > 0)
      report_.notes.push_back(fmt::format("log: {} records are lost or cannot be read", log.unreadable));
  }

  void add_missing() {
    for (const auto& reason : report_.machine.missing) report_.notes.push_back("dump: " + reason);
    if (session_.symbols())
      for (const auto& warning : session_.symbols()->warnings())
        report_.notes.push_back("symbols: " + warning);
    if (session_.unwinder())
      for (const auto& note : (*session_.unwinder())->notes()) report_.notes.push_back("stacks: " + note);
    if (session_.debug_info() != nullptr)
      for (const auto& note : session_.debug_info()->notes())
        report_.notes.push_back("debug information: " + note);
    if (session_.modules() && !session_.modules()->damage.empty())
      report_.notes.push_back("modules: " + session_.modules()->damage);
  }

  const Session& session_;
  Report report_;
  const CrashSummary* crash_ = nullptr;
  std::optional<uint32_t> subject_cpu_;
};

}  // namespace

Report make_report(const Session& session) {
  return Reporter(session).make();
}

}  // namespace lifeboat::inspect
