# SPDX-License-Identifier: GPL-2.0-or-later
# First and last instructions. The old kernel (arch/x86/kernel/relocate_kernel_64.S) jumps to purgatory_entry in
# 64-bit mode with identity-mapped memory, interrupts off, and a stack and descriptor tables that may be overwritten.

# Selectors and descriptors that the 64-bit boot protocol requires (Documentation/arch/x86/boot.rst).
#define BOOT_CS 0x10
#define BOOT_DS 0x18

  .section .entry, "ax", @progbits
  .globl purgatory_entry
purgatory_entry:
  cli
  cld
  leaq purgatory_stack_end(%rip), %rsp
  # The table's address is known only now.
  leaq descriptors(%rip), %rax
  movq %rax, descriptors_pointer + 2(%rip)
  lgdt descriptors_pointer(%rip)
  movl $BOOT_DS, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movl %eax, %fs
  movl %eax, %gs
  pushq $BOOT_CS
  leaq 1f(%rip), %rax
  pushq %rax
  lretq
1:
  xorl %ebp, %ebp
  call purgatory_main
  ud2

  .text
# [[noreturn]] void enter_kernel(uint64_t entry, uint64_t boot_params)
# boot_params is already where the protocol wants it, in %rsi.
  .globl enter_kernel
  .hidden enter_kernel
enter_kernel:
  pushq %rdi
  xorl %eax, %eax
  xorl %ebx, %ebx
  xorl %ecx, %ecx
  xorl %edx, %edx
  xorl %edi, %edi
  xorl %ebp, %ebp
  xorl %r8d, %r8d
  xorl %r9d, %r9d
  xorl %r10d, %r10d
  xorl %r11d, %r11d
  xorl %r12d, %r12d
  xorl %r13d, %r13d
  xorl %r14d, %r14d
  xorl %r15d, %r15d
  ret

# [[noreturn]] void triple_fault(): with no interrupt table an exception ends in the processor's shutdown, which
# resets the machine.
  .globl triple_fault
  .hidden triple_fault
triple_fault:
  lidt no_descriptors(%rip)
  int3
  ud2

  .section .rodata, "a", @progbits
no_descriptors:
  .word 0
  .quad 0

  .data
  .balign 8
descriptors:
  .quad 0
  .quad 0
  .quad 0x00af9b000000ffff  # BOOT_CS: 64-bit code, flat, present and accessed
  .quad 0x00cf93000000ffff  # BOOT_DS: data, flat, writable, present and accessed
descriptors_pointer:
  .word . - descriptors - 1
  .quad 0

  .section .note.GNU-stack, "", @progbits
