# SPDX-License-Identifier: GPL-2.0-or-later
# What drgn reads in a dump, as JSON for the tests: tasks with their stacks, modules, the log, types.
# usage: drgn --main-symbols -c DUMP -s VMLINUX drgn_view.py
import json

from drgn import TypeKind
from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.module import for_each_module, module_address_regions
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_dmesg
from drgn.helpers.linux.sched import idle_task, task_state_to_char

STRUCTS = """
    address_space block_device cred css_set dentry fdtable file files_struct inode irq_desc kmem_cache kobject
    list_head mm_struct module mount mutex net_device nsproxy page pglist_data pid pt_regs request_queue rq
    rw_semaphore sched_entity signal_struct sk_buff sock super_block task_struct thread_struct timer_list
    vm_area_struct vm_struct work_struct worker workqueue_struct zone
""".split()


def frames(task):
    found = []
    for frame in prog.stack_trace(task):
        if frame.is_inline or frame.pc < 1 << 63:  # the last one may be where user space goes on
            continue
        try:
            symbol = frame.symbol()
        except LookupError:  # a module's, of which there is no debug information
            found.append({"address": frame.pc})
        else:
            found.append({"address": frame.pc, "name": symbol.name, "start": symbol.address, "size": symbol.size})
    return found


def tasks():
    for cpu in for_each_possible_cpu(prog):
        yield idle_task(prog, cpu)
    yield from for_each_task(prog)


def task_view(task):
    return {
        "pid": task.pid.value_(),
        # As /proc shows it; `parent` is a debugger's.
        "ppid": task.real_parent.tgid.value_(),
        "comm": task.comm.string_().decode(errors="replace"),
        "state": task_state_to_char(task),
        "task": task.value_(),
        "frames": frames(task),
    }


def module_view(module):
    regions = [region for region in module_address_regions(module) if region[1] > 0]
    return {
        "name": module.name.string_().decode(),
        # The first region is the text. The other parts count as well, as in /proc/modules.
        "base": regions[0][0],
        "size": sum(size for _, size in regions),
    }


def add_members(type_, prefix_bits, members):
    for member in type_.members:
        place = prefix_bits + member.bit_offset
        if member.name is not None:
            members[member.name] = place
        elif member.type.kind in (TypeKind.STRUCT, TypeKind.UNION):
            add_members(member.type, place, members)


def type_view(name):
    type_ = prog.type("struct " + name)
    members = {}
    add_members(type_, 0, members)
    return {"size": type_.size, "members": members}


print(
    json.dumps(
        {
            "tasks": [task_view(task) for task in tasks()],
            "modules": [module_view(module) for module in for_each_module(prog)],
            "log": get_dmesg(prog).decode(errors="replace"),
            "types": {name: type_view(name) for name in STRUCTS},
        }
    )
)
