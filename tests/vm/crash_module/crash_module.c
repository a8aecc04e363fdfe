// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel module that crashes the kernel of a test's guest in the way that is written to its parameter:
//   echo read_null >/sys/module/crash_module/parameters/crash
// Each way goes through functions of its own, which the report of the dump must name. Never load it on a machine that
// anybody needs. One way does not crash: stale_flags marks the pages from stale_begin to stale_end, addresses in the kernel's
// image, as cache, as if something were left in their struct pages.
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>

struct crash_object {
  char before[0x18];
  unsigned long member;
};

// Their values are not known to the compiler.
static struct crash_object* volatile no_object;
static void (*volatile no_function)(void);
static volatile unsigned long sink;

// After each call something is left to do, or the compiler would jump, and the caller would not be on the stack.
#define STAY() (sink++)

static noinline void crash_read_member(struct crash_object* object) {
  sink = READ_ONCE(object->member);
}

static noinline void crash_read_null(void) {
  crash_read_member(no_object);
  STAY();
}

static noinline void crash_write_null(void) {
  WRITE_ONCE(no_object->member, 1);
  STAY();
}

static noinline void crash_call_null(void) {
  no_function();
  STAY();
}

static noinline void crash_bug(void) {
  BUG_ON(sink != ~0ul);
  STAY();
}

static noinline unsigned long crash_recurse(unsigned long depth) {
  volatile char room[256];
  if (depth == ~0ul) return 0;
  memset((char*)room, (int)depth, sizeof(room));
  return crash_recurse(depth + 1) + (unsigned long)room[depth % sizeof(room)];
}

static noinline void crash_overflow(void) {
  sink = crash_recurse(sink);
  STAY();
}

// A message before it spins, so that a test can react.
static bool crash_spinning;

static noinline void crash_spin(void) {
  WRITE_ONCE(crash_spinning, true);
  for (;;) cpu_relax();
}

static noinline void crash_hard_lockup(void) {
  local_irq_disable();
  crash_spin();
  STAY();
}

static noinline void crash_soft_lockup(void) {
  preempt_disable();
  crash_spin();
  STAY();
}

static noinline void crash_stall_rcu(void) {
  rcu_read_lock();
  crash_spin();
  STAY();
}

static noinline void crash_wait_inner(void) {
  for (;;) {
    set_current_state(TASK_UNINTERRUPTIBLE);
    schedule();
  }
}

static noinline void crash_wait_middle(void) {
  crash_wait_inner();
  STAY();
}

static noinline void crash_hang(void) {
  crash_wait_middle();
  STAY();
}

static unsigned long stale_begin, stale_end;

static noinline void crash_stale_flags(void) {
  unsigned long at;
  for (at = stale_begin; at < stale_end; at += PAGE_SIZE) set_bit(PG_lru, &pfn_to_page(__pa(at) >> PAGE_SHIFT)->flags);
  STAY();
}

static const struct {
  const char* name;
  void (*run)(void);
} ways[] = {
    {"read_null", crash_read_null},     {"write_null", crash_write_null},   {"call_null", crash_call_null},
    {"bug", crash_bug},                 {"overflow", crash_overflow},       {"hard_lockup", crash_hard_lockup},
    {"soft_lockup", crash_soft_lockup}, {"stall_rcu", crash_stall_rcu},     {"hang", crash_hang},
    {"stale_flags", crash_stale_flags},
};

static int crash_set(const char* value, const struct kernel_param* parameter) {
  size_t i;
  for (i = 0; i < ARRAY_SIZE(ways); i++) {
    if (!sysfs_streq(value, ways[i].name)) continue;
    // Some ways are silent for ever: by this is seen on the console that they have come so far.
    pr_emerg("crash_module: %s\n", ways[i].name);
    // Writers of parameters hold a lock; a second one is to hang in the same place.
    kernel_param_unlock(THIS_MODULE);
    ways[i].run();
    kernel_param_lock(THIS_MODULE);
    return 0;
  }
  return -EINVAL;
}

static const struct kernel_param_ops crash_ops = {.set = crash_set};
module_param_cb(crash, &crash_ops, NULL, 0200);
module_param_named(spinning, crash_spinning, bool, 0444);
module_param(stale_begin, ulong, 0600);
module_param(stale_end, ulong, 0600);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Crashes the kernel of a test's guest");
