package child

import "golang.org/x/sys/unix"

// holdersIn are the processes of the group that are still there: which of them has the output open, this system does not say.
func (outputs) holdersIn(g *group) (by []Holder) {
	processes, err := unix.SysctlKinfoProcSlice("kern.proc.pgrp", g.number())
	if err != nil {
		return nil
	}
	for _, p := range processes {
		if pid := int(p.Proc.P_pid); pid != g.number() {
			by = append(by, Holder{PID: pid, Name: printable(unix.ByteSliceToString(p.Proc.P_comm[:])), Group: true})
		}
	}
	return by
}
