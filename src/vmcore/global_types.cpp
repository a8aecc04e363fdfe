// SPDX-License-Identifier: GPL-2.0-or-later
// The types of the global variables that matter when a dump is read; those of one architecture are among its
// facts. BTF has only those of per-CPU variables, and in 5.10 not even those (built by an old pahole). Each
// has had this type since 5.10 at least, wherever it exists; a name that changed its type does not belong
// here.
#include <algorithm>
#include <iterator>

#include "src/vmcore/kernel_types.h"

namespace lifeboat {
namespace {

struct Global {
  std::string_view symbol;
  std::string_view type;
};

// Sorted by name.
constexpr Global kGlobals[] = {
    {"__cpu_active_mask", "struct cpumask"},
    {"__cpu_online_mask", "struct cpumask"},
    {"__cpu_possible_mask", "struct cpumask"},
    {"__cpu_present_mask", "struct cpumask"},
    {"__num_online_cpus", "atomic_t"},
    {"__per_cpu_offset", "unsigned long []"},
    {"_totalram_pages", "atomic_long_t"},
    {"boot_command_line", "char []"},
    {"btf_modules", "struct list_head"},
    {"cgroup_roots", "struct list_head"},
    {"cgrp_dfl_root", "struct cgroup_root"},
    {"clocksource_list", "struct list_head"},
    {"contig_page_data", "struct pglist_data"},
    {"crashk_low_res", "struct resource"},
    {"crashk_res", "struct resource"},
    {"curr_clocksource", "struct clocksource *"},
    {"file_systems", "struct file_system_type *"},
    {"high_memory", "void *"},
    {"hrtimer_bases", "struct hrtimer_cpu_base"},
    {"init_cgroup_ns", "struct cgroup_namespace"},
    {"init_cred", "struct cred"},
    {"init_css_set", "struct css_set"},
    {"init_files", "struct files_struct"},
    {"init_fs", "struct fs_struct"},
    {"init_ipc_ns", "struct ipc_namespace"},
    {"init_mm", "struct mm_struct"},
    {"init_net", "struct net"},
    {"init_nsproxy", "struct nsproxy"},
    {"init_pid_ns", "struct pid_namespace"},
    {"init_sighand", "struct sighand_struct"},
    {"init_signals", "struct signal_struct"},
    {"init_struct_pid", "struct pid"},
    {"init_task", "struct task_struct"},
    {"init_time_ns", "struct time_namespace"},
    {"init_user_ns", "struct user_namespace"},
    {"init_uts_ns", "struct uts_namespace"},
    {"iomem_resource", "struct resource"},
    {"ioport_resource", "struct resource"},
    {"jiffies", "unsigned long"},
    {"jiffies_64", "u64"},
    {"kexec_crash_image", "struct kimage *"},
    {"kexec_image", "struct kimage *"},
    {"linux_banner", "char []"},
    {"max_low_pfn", "unsigned long"},
    {"max_pfn", "unsigned long"},
    {"max_threads", "int"},
    {"mem_section", "struct mem_section **"},
    {"min_low_pfn", "unsigned long"},
    {"modules", "struct list_head"},
    {"net_namespace_list", "struct list_head"},
    {"node_data", "struct pglist_data *[]"},
    {"nr_cpu_ids", "unsigned int"},
    {"nr_swapfiles", "unsigned int"},
    {"nr_threads", "int"},
    {"oom_victims", "atomic_t"},
    {"oops_in_progress", "int"},
    {"panic_cpu", "atomic_t"},
    {"panic_on_oops", "int"},
    {"panic_on_warn", "int"},
    {"panic_timeout", "int"},
    {"pci_bus_type", "struct bus_type"},
    {"pci_root_buses", "struct list_head"},
    {"prb", "struct printk_ringbuffer *"},
    {"process_counts", "unsigned long"},
    {"rcu_data", "struct rcu_data"},
    {"rcu_state", "struct rcu_state"},
    {"root_mem_cgroup", "struct mem_cgroup *"},
    {"root_task_group", "struct task_group"},
    {"runqueues", "struct rq"},
    {"saved_command_line", "char *"},
    {"slab_caches", "struct list_head"},
    {"slab_mutex", "struct mutex"},
    {"super_blocks", "struct list_head"},
    {"swap_info", "struct swap_info_struct *[]"},
    {"sysctl_hung_task_panic", "unsigned int"},
    {"system_state", "enum system_states"},
    {"system_wq", "struct workqueue_struct *"},
    {"tainted_mask", "unsigned long"},
    {"tasklist_lock", "rwlock_t"},
    {"tick_cpu_sched", "struct tick_sched"},
    {"tick_do_timer_cpu", "int"},
    {"timer_bases", "struct timer_base []"},
    {"total_forks", "unsigned long"},
    {"vm_event_states", "struct vm_event_state"},
    {"vm_node_stat", "atomic_long_t []"},
    {"vm_numa_event", "atomic_long_t []"},
    {"vm_zone_stat", "atomic_long_t []"},
    {"vmap_area_list", "struct list_head"},
    {"vmcoreinfo_data", "unsigned char *"},
    {"vmcoreinfo_note", "u32 *"},
    {"vmcoreinfo_size", "unsigned long"},
    {"workqueues", "struct list_head"},
};
static_assert(std::ranges::is_sorted(kGlobals, {}, &Global::symbol));

}  // namespace

std::optional<std::string_view> known_global_type(std::string_view symbol) {
  const auto found = std::ranges::lower_bound(kGlobals, symbol, {}, &Global::symbol);
  if (found == std::end(kGlobals) || found->symbol != symbol) return std::nullopt;
  return found->type;
}

}  // namespace lifeboat
