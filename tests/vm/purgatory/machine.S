# SPDX-License-Identifier: GPL-2.0-or-later
# Both neighbours of purgatory, for a virtual machine that has nothing else in it. The "old kernel" is a Multiboot
# kernel that goes to 64-bit mode and jumps where the mailbox says, in a worse state than Linux leaves the processor
# in. The "new kernel" sends its registers and parameters over the serial port as raw quadwords, and ends QEMU.

#define MAILBOX 0x200000         /* struct Mailbox in purgatory_vm_test.cpp, put there by QEMU */
#define MAILBOX_ENTRY MAILBOX
#define MAILBOX_COPY (MAILBOX + 8)
#define MAILBOX_COPY_SIZE (MAILBOX + 16)
#define LOW_MEMORY_MARK 0x746f6f42796f6d6c
#define SERIAL 0x3f8
#define SERIAL_STATUS (SERIAL + 5)
#define DEBUG_EXIT 0xf4

#define MULTIBOOT_MAGIC 0x1badb002

  .text
  .balign 4
  .long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

  .code32
  .globl _start
_start:
  # The first 8 GiB one to one, in pages of 1 GiB.
  movl $page_directories, %edi
  movl $0x83, %eax  # present, writable, large
  xorl %edx, %edx
  movl $8, %ecx
1:
  movl %eax, (%edi)
  movl %edx, 4(%edi)
  addl $8, %edi
  addl $0x40000000, %eax
  adcl $0, %edx
  loop 1b
  movl $page_directories + 3, top_page_table

  movl $top_page_table, %eax
  movl %eax, %cr3
  movl $0x20, %eax  # PAE, and nothing else: no SSE either
  movl %eax, %cr4
  movl $0xc0000080, %ecx  # EFER
  movl $0x100, %eax       # LME
  wrmsr
  movl $0x80000001, %eax  # PG, PE
  movl %eax, %cr0
  lgdt descriptors_pointer
  ljmp $8, $long_mode

  .code64
long_mode:
  movq $LOW_MEMORY_MARK, %rax
  xorl %edi, %edi
  movq %rax, (%rdi)
  xorl %eax, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  # Whatever purgatory takes for granted, it shall not find.
  std
  movq $-1, %rax
  movq %rax, %rbx
  movq %rax, %rcx
  movq %rax, %rdx
  movq %rax, %rsi
  movq %rax, %rdi
  movq %rax, %rbp
  movq %rax, %r8
  movq %rax, %r9
  movq %rax, %r10
  movq %rax, %r11
  movq %rax, %r12
  movq %rax, %r13
  movq %rax, %r14
  movq %rax, %r15
  movl $8, %esp
  jmp *MAILBOX_ENTRY

  .balign 8
descriptors:
  .quad 0
  .quad 0x00af9b000000ffff
descriptors_pointer:
  .word . - descriptors - 1
  .long descriptors

  .balign 4096
top_page_table:
  .fill 512, 8, 0
page_directories:
  .fill 512, 8, 0

# The new kernel. The order is that of struct Report in purgatory_vm_test.cpp.
  .section .kernel, "awx", @progbits
  .macro save register
  movq \register, report + 8 * saved(%rip)
  .set saved, saved + 1
  .endm
  .set saved, 0
new_kernel:
  save %rax
  save %rbx
  save %rcx
  save %rdx
  save %rsi
  save %rdi
  save %rbp
  save %r8
  save %r9
  save %r10
  save %r11
  save %r12
  save %r13
  save %r14
  save %r15
  xorl %eax, %eax
  movl %cs, %eax
  save %rax
  movl %ds, %eax
  save %rax
  movl %es, %eax
  save %rax
  movl %ss, %eax
  save %rax
  pushfq
  popq %rax
  save %rax

  movq MAILBOX_COPY, %rdi
  xorl %eax, %eax
  movq MAILBOX_COPY_SIZE, %rcx
  jrcxz 1f
  movq (%rdi), %rax
1:
  save %rax
  xorl %esi, %esi
  cmpq %rsi, %rsi  # equal, if there is nothing to compare
  repe cmpsb
  sete %al
  movzbl %al, %eax
  save %rax

  leaq report(%rip), %rsi
  movl $8 * saved, %ecx
1:
  movl $SERIAL_STATUS, %edx
2:
  inb %dx, %al
  testb $0x20, %al
  jz 2b
  movl $SERIAL, %edx
  outsb
  loop 1b
  xorl %eax, %eax
  outb %al, $DEBUG_EXIT
3:
  hlt
  jmp 3b

  .balign 8
report:
  .fill saved, 8, 0

  .section .note.GNU-stack, "", @progbits
