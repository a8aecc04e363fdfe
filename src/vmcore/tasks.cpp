// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/tasks.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "src/vmcore/linked_list.h"
#include "src/vmcore/per_cpu.h"

namespace lifeboat {
namespace {

// include/linux/threads.h: PID_MAX_LIMIT.
constexpr uint64_t kMaxTasks = uint64_t{4} << 20;
constexpr int32_t kMaxPid = 4 << 20;
constexpr size_t kMaxNotes = 20;

// include/linux/sched.h
constexpr uint32_t kKernelThread = 0x00200000;  // PF_KTHREAD
constexpr uint64_t kUninterruptible = 1U << 1, kNoLoad = 1U << 10, kRtLockWait = 1U << 12, kFrozen = 1U << 15;
constexpr uint64_t kReported = 0x7f;

// As task_state_index() does (fs/proc/array.c).
char state_letter(uint64_t state, uint64_t exit_state) {
  constexpr std::string_view kLetters = "RSDTtXZP";
  if ((state & (kUninterruptible | kNoLoad)) == (kUninterruptible | kNoLoad)) return 'I';
  if ((state & (kRtLockWait | kFrozen)) != 0) return 'D';
  return kLetters[static_cast<size_t>(std::bit_width((state | exit_state) & kReported))];
}

class TaskReader {
 public:
  TaskReader(const KernelMemory& memory, TaskList& list) : memory_(memory), list_(list) {}

  Result<> find_fields(const KernelTypes& types) {
    const auto find = [&](std::initializer_list<std::string_view> paths) {
      return types.first_field("task_struct", paths);
    };
    tasks_ = TRY(find({"tasks"}));
    signal_ = TRY(find({"signal"}));
    thread_node_ = TRY(find({"thread_node"}));
    thread_head_ = TRY(types.field("signal_struct", "thread_head"));
    pid_ = TRY(find({"pid"}));
    tgid_ = TRY(find({"tgid"}));
    comm_ = TRY(find({"comm"}));
    // Optional members: their values are left out where they are missing, and nothing else depends on them.
    parent_ = optional(find({"real_parent"}));
    state_ = optional(find({"__state", "state"}));  // 2f064a59a11f
    exit_state_ = optional(find({"exit_state"}));
    cpu_ = optional(find({"thread_info.cpu", "cpu"}));  // bcf9033e5449
    on_cpu_ = optional(find({"on_cpu"}));
    flags_ = optional(find({"flags"}));
    stack_ = optional(find({"stack"}));
    stack_pointer_ = optional(find({memory_.architecture().facts().stack_pointer_member}));
    mm_ = optional(find({"mm"}));
    size_ = 0;
    for (const Field* field : {&tasks_, &signal_, &thread_node_, &pid_, &tgid_, &comm_})
      size_ = end(size_, *field);
    for (const auto* field :
         {&parent_, &state_, &exit_state_, &cpu_, &on_cpu_, &flags_, &stack_, &stack_pointer_, &mm_})
      if (*field) size_ = end(size_, **field);
    constexpr uint64_t kMaxBytes = 1 << 20;
    if (size_ > kMaxBytes)
      return fail(ErrorCode::corrupt, "task_struct has {} bytes in BTF: too large", size_);
    return {};
  }

  // The task at `address`; nullopt: what is there is none.
  std::optional<Task> read(uint64_t address) {
    load(address);
    Task task;
    task.address = address;
    task.pid = static_cast<int32_t>(number(pid_));
    task.tgid = static_cast<int32_t>(number(tgid_));
    task.comm = text_until_nul(ByteSpan(bytes_).subspan(comm_.offset, comm_.size));
    task.stack = number(stack_);
    const bool named = task.comm.size() < comm_.size;
    if (!named || task.pid < 0 || task.pid > kMaxPid || task.tgid < 0 || task.tgid > kMaxPid)
      return std::nullopt;
    if (number(signal_) == 0 && task.stack == 0 && task.pid == 0 && task.comm.empty()) return std::nullopt;
    if (state_) task.state = state_letter(number(state_), number(exit_state_));
    task.cpu = static_cast<uint32_t>(number(cpu_));
    task.on_cpu = number(on_cpu_) != 0;
    task.kernel_thread = (number(flags_) & kKernelThread) != 0;
    task.stack_pointer = number(stack_pointer_);
    task.mm = number(mm_);
    parents_.emplace_back(number(parent_));
    return task;
  }

  // The leader and, by its signal_struct, the other threads of the process.
  bool add_process(uint64_t leader) {
    if (known_.contains(leader)) return true;
    if (!add(leader)) return false;
    const uint64_t signal = number(signal_);
    if (signal == 0) return true;  // it has been released already
    const std::string trouble =
        walk_list(memory_, signal + thread_head_.offset, kMaxTasks, [this](uint64_t node) {
          const uint64_t thread = node - thread_node_.offset;
          return known_.contains(thread) || add(thread);
        });
    if (!trouble.empty())
      note(fmt::format("the threads of process {}: {}", list_.tasks[known_[leader]].pid, trouble));
    return true;
  }

  bool add(uint64_t address) {
    if (list_.tasks.size() >= kMaxTasks) return false;
    auto task = read(address);
    if (!task) return false;
    known_.emplace(address, list_.tasks.size());
    list_.tasks.push_back(std::move(*task));
    return true;
  }

  bool add_idle(uint64_t address, uint32_t cpu) {
    if (known_.contains(address)) return true;
    auto task = read(address);
    if (!task || task->pid != 0) {
      if (task) parents_.pop_back();
      return false;
    }
    task->cpu = cpu;
    known_.emplace(address, list_.tasks.size());
    list_.tasks.push_back(std::move(*task));
    return true;
  }

  void resolve_parents() {
    for (size_t index = 0; index < list_.tasks.size(); ++index) {
      const uint64_t parent = parents_[index];
      if (const auto found = known_.find(parent); found != known_.end()) {
        list_.tasks[index].ppid = list_.tasks[found->second].tgid;
      } else if (const auto tgid = memory_.read<int32_t>(parent + tgid_.offset); parent != 0 && tgid) {
        list_.tasks[index].ppid = *tgid;
      }
    }
  }

  void note(std::string text) {
    if (list_.notes.size() < kMaxNotes) list_.notes.push_back(std::move(text));
  }
  [[nodiscard]] uint64_t tasks_offset() const { return tasks_.offset; }

 private:
  static std::optional<Field> optional(Result<Field> field) {
    return field ? std::optional(*field) : std::nullopt;
  }
  static uint64_t end(uint64_t size, const Field& field) { return std::max(size, field.offset + field.size); }

  // All of the fields at one go; if a page of it is missing, field by field, zero for those that cannot be
  // read.
  void load(uint64_t address) {
    bytes_.assign(size_, std::byte{0});
    if (memory_.read(address, bytes_)) return;
    bytes_.assign(size_, std::byte{0});
    std::string missing;
    for (const Field* field : {&tasks_, &signal_, &thread_node_, &pid_, &tgid_, &comm_})
      load_field(address, *field, missing);
    for (const auto* field :
         {&parent_, &state_, &exit_state_, &cpu_, &on_cpu_, &flags_, &stack_, &stack_pointer_, &mm_})
      if (*field) load_field(address, **field, missing);
    if (!missing.empty())
      note(fmt::format("a part of the task at {:#x} cannot be read: {}", address, missing));
  }
  void load_field(uint64_t address, const Field& field, std::string& missing) {
    const auto read =
        memory_.read(address + field.offset, MutableByteSpan(bytes_).subspan(field.offset, field.size));
    if (!read && missing.empty()) missing = read.error().message;
  }

  [[nodiscard]] uint64_t number(const Field& field) const {
    uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + field.offset, std::min<size_t>(field.size, sizeof value));
    if (field.bit_size != 0) value = value >> field.bit_offset & ((uint64_t{1} << field.bit_size % 64) - 1);
    return value;
  }
  [[nodiscard]] uint64_t number(const std::optional<Field>& field) const {
    return field ? number(*field) : 0;
  }

  const KernelMemory& memory_;
  TaskList& list_;
  Field tasks_, signal_, thread_node_, thread_head_, pid_, tgid_, comm_;
  std::optional<Field> parent_, state_, exit_state_, cpu_, on_cpu_, flags_, stack_, stack_pointer_, mm_;
  uint64_t size_ = 0;             // of task_struct up to the last field of these
  std::vector<std::byte> bytes_;  // of the task that was read last
  std::unordered_map<uint64_t, size_t> known_;
  std::vector<uint64_t> parents_;  // for each task of the list, the address of its parent
};

void add_idle_tasks(const KernelMemory& memory, const KernelTypes& types, const Kallsyms& symbols,
                    TaskReader& reader) {
  const auto per_cpu = PerCpu::read(memory, symbols);
  const auto runqueues = symbols.address_of("runqueues");
  const auto idle = types.field("rq", "idle");
  if (!per_cpu || !runqueues || !idle) {
    const std::string why = !per_cpu     ? per_cpu.error().message
                            : !runqueues ? "the kernel's symbols do not list runqueues"
                                         : idle.error().message;
    reader.note(fmt::format("the idle tasks of the other CPUs: {}", why));
    return;
  }
  for (const auto& cpu : per_cpu->cpus()) {
    const auto task = KernelTypes::number(memory, *runqueues + cpu.offset, *idle);
    if (!task || *task == 0 || !reader.add_idle(*task, cpu.number)) {
      reader.note(fmt::format("the idle task of CPU {}: {}", cpu.number,
                              task ? fmt::format("no task at {:#x}", *task) : task.error().message));
    }
  }
}

}  // namespace

Result<TaskList> read_tasks(const KernelMemory& memory, const KernelTypes& types, const Kallsyms& symbols) {
  const auto init_task = symbols.address_of("init_task");
  if (!init_task) {
    return std::unexpected(
        Error(ErrorCode::not_found,
              "the list of tasks cannot be found: the kernel's symbols do not list init_task")
            .hint("use a kernel built with CONFIG_KALLSYMS_ALL"));
  }
  TaskList list;
  TaskReader reader(memory, list);
  TRY_VOID(reader.find_fields(types));
  if (!reader.add(*init_task))
    reader.note(fmt::format("init_task at {:#x} cannot be read, or holds no task", *init_task));
  const std::string trouble =
      walk_list(memory, *init_task + reader.tasks_offset(), kMaxTasks,
                [&](uint64_t node) { return reader.add_process(node - reader.tasks_offset()); });
  if (!trouble.empty()) reader.note(fmt::format("the list of processes: {}", trouble));
  add_idle_tasks(memory, types, symbols, reader);
  reader.resolve_parents();
  std::ranges::stable_sort(list.tasks, [](const Task& a, const Task& b) {
    return a.pid != b.pid ? a.pid < b.pid : a.pid == 0 && a.cpu < b.cpu;
  });
  return list;
}

}  // namespace lifeboat
