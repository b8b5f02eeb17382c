/* SPDX-License-Identifier: MIT */
/*
 * host/preload/vfork.c - a child that runs in its parent's memory
 *
 * Such a child has a table of descriptors of its own, but our cache is its parent's: what it learns about a number must
 * not be kept. To ask the kernel each time "am I who I was?" costs a system call, so vfork() is counted: while the count
 * is zero nobody is such a child. The parent goes on only when the child has left its memory, so what is after the call
 * is either the child, or the parent with the child gone.
 *
 * vfork() returns twice from one frame: between the two, the return address is kept in a register, since the child's
 * calls overwrite the stack. That cannot be said in C.
 */
#include "host/preload/preload.h"

#include <sys/types.h>

_Atomic uint32_t vfork_children;

#if defined(__x86_64__)
__asm__(".pushsection .text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	popq %rdx\n"
	"	lock incl vfork_children(%rip)\n"
	"	movl $58, %eax\n" /* SYS_vfork */
	"	syscall\n"
	"	pushq %rdx\n"
	"	testq %rax, %rax\n"
	"	je 1f\n" /* the child */
	"	lock decl vfork_children(%rip)\n"
	"	testq %rax, %rax\n"
	"	js 2f\n"
	"1:	ret\n"
	"2:	movq %rax, %rdi\n"
	"	jmp vfork_failed\n"
	"	.cfi_endproc\n"
	".size vfork, . - vfork\n"
	".popsection\n");
#elif defined(__aarch64__)
__asm__(".pushsection .text\n"
	".globl vfork\n"
	".type vfork, %function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	adrp x2, vfork_children\n"
	"	add x2, x2, :lo12:vfork_children\n"
	"1:	ldaxr w3, [x2]\n"
	"	add w3, w3, #1\n"
	"	stlxr w4, w3, [x2]\n"
	"	cbnz w4, 1b\n"
	"	mov x0, #0x4111\n" /* CLONE_VFORK | CLONE_VM | SIGCHLD */
	"	mov x1, xzr\n"
	"	mov x8, #220\n" /* SYS_clone; the return address stays in x30 */
	"	svc #0\n"
	"	cbz x0, 3f\n"
	"2:	ldaxr w3, [x2]\n"
	"	sub w3, w3, #1\n"
	"	stlxr w4, w3, [x2]\n"
	"	cbnz w4, 2b\n"
	"	tbnz x0, #63, 4f\n"
	"3:	ret\n"
	"4:	b vfork_failed\n"
	"	.cfi_endproc\n"
	".size vfork, . - vfork\n"
	".popsection\n");
#endif

pid_t vfork_failed(long error);
__attribute__((used)) pid_t vfork_failed(long error)
{
	return (pid_t)give(error);
}
