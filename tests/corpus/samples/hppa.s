	.text
	.globl f
f:
	bv %r0(%rp)
	nop
