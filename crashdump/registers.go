package crashdump

// Context is what is of use of a processor's registers at the time of the crash, from its CONTEXT record.
type Context struct {
	IP Hex `json:"ip"` // the instruction pointer: rip, pc
	SP Hex `json:"sp"` // the stack pointer
	FP Hex `json:"fp,omitzero"`
	LR Hex `json:"lr,omitzero"` // where the function returns to; arm64 only
}

// contextLayout is where a CONTEXT has them. Zero: there is none.
type contextLayout struct {
	size           uint64 // as much of it as has them
	ip, sp, fp, lr int
	names          [4]string
}

// contextOf is the layout for a machine: CONTEXT, and ARM64_NT_CONTEXT, in which X0 to X28 come before Fp.
func contextOf(m Machine) (contextLayout, bool) {
	switch m {
	case AMD64:
		return contextLayout{size: 0x100, ip: 0xf8, sp: 0x98, names: [4]string{"rip", "rsp"}}, true
	case ARM64:
		return contextLayout{size: 0x110, fp: 0xf0, lr: 0xf8, sp: 0x100, ip: 0x108, names: [4]string{"pc", "sp", "fp", "lr"}}, true
	}
	return contextLayout{}, false
}

// read takes the registers out of a CONTEXT.
func (l contextLayout) read(raw []byte) Context {
	c := Context{IP: Hex(u64(raw, l.ip)), SP: Hex(u64(raw, l.sp))}
	if l.fp != 0 {
		c.FP = Hex(u64(raw, l.fp))
	}
	if l.lr != 0 {
		c.LR = Hex(unsigned(u64(raw, l.lr)))
	}
	return c
}

// unsigned takes the signature off a return address of arm64, where pointers are authenticated: bit 55 tells which half of the
// addresses it is of, and the bits above the 48 of an address are all as that one.
func unsigned(address uint64) uint64 {
	const top = 0xffff << 48
	if address>>55&1 != 0 {
		return address | top
	}
	return address &^ top
}
