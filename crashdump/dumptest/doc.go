// Package dumptest writes crash dumps for tests, of every type that crashdump reads, from the layouts
// as they are documented and without any code of the reader's.
//
//	s := dumptest.Spec{Type: 1, Code: 0xD1, Modules: []dumptest.Module{{Name: "wsksample.sys", Base: …, Size: …}}}
//	os.WriteFile("MEMORY.DMP", s.Bytes(), 0o644)
package dumptest
