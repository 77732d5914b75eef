//go:build linux

package wine

import (
	"context"
	"fmt"
	"io"
	"testing"

	"wskharness/remote/winrmd"
	"wskharness/vm"
	"wskharness/vm/lease"
)

// BenchmarkColdStart is from nothing to a guest in which drivers can be loaded, and its end.
func BenchmarkColdStart(b *testing.B) {
	p := testProvider(b, nil)
	var ready float64
	for b.Loop() {
		m, err := p.Acquire(b.Context(), vm.Target{Name: "bench"})
		if err != nil {
			b.Fatal(err)
		}
		ready += m.(vm.Starter).ReadyAfter().Seconds()
		if err := m.Release(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1000*ready/float64(b.N), "ms-to-ready")
}

func BenchmarkRevert(b *testing.B) {
	m := acquire(b, testProvider(b, nil))
	for b.Loop() {
		if err := m.Revert(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// benchHost boots a guest in this process: the way through winrshost.exe alone, without WinRM.
func benchHost(b *testing.B) *boot { return booted(b, confinement()) }

// unserved is the lease of a guest that nobody serves yet.
func unserved(b testing.TB, p *Provider) *lease.Lease {
	b.Helper()
	software, err := Find(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	prefix, err := template(b.Context(), p.opts.Root, software, nil)
	if err != nil {
		b.Fatal(err)
	}
	l, err := p.folder(vm.Target{Name: "test"}, software, prefix)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// booted is a guest's boot by itself, without the process that serves a guest.
func booted(b testing.TB, c enclosure) *boot {
	b.Helper()
	l := unserved(b, testProvider(b, nil))
	b.Cleanup(func() {
		if err := remove(l.Dir, 0); err != nil {
			b.Error(err)
		}
		l.LetGo()
	})
	s := &server{dir: l.Dir}
	if err := lease.Read(l.Dir, configFile, &s.config); err != nil {
		b.Fatal(err)
	}
	if err := s.fresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	up, err := start(b.Context(), &s.config, s.kin(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(up.stop)
	return up
}

const megabytes = 64

func BenchmarkCommand(b *testing.B) {
	up := benchHost(b)
	for b.Loop() {
		runBench(b, up, `C:\probe.exe exit 0`, 0)
	}
}

func BenchmarkOutput(b *testing.B) {
	up := benchHost(b)
	b.SetBytes(megabytes << 20)
	for b.Loop() {
		if n := runBench(b, up, fmt.Sprintf(`C:\probe.exe fill %d`, megabytes<<20), 0); n != megabytes<<20 {
			b.Fatalf("%d bytes", n)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	up := benchHost(b)
	b.SetBytes(megabytes << 20)
	for b.Loop() {
		if n := runBench(b, up, `C:\probe.exe echo`, megabytes<<20); n != megabytes<<20 {
			b.Fatalf("%d bytes", n)
		}
	}
}

func runBench(b *testing.B, up *boot, line string, input int64) int64 {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	p, err := up.host.Start(ctx, winrmd.Spec{Line: line, Codepage: 65001})
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		_, _ = io.CopyN(p.Stdin(), zeros{}, input) // a short copy shows in the count
		p.Stdin().Close()
	}()
	n, err := io.Copy(io.Discard, p.Stdout())
	if err != nil {
		b.Fatal(err)
	}
	if exit, err := p.Wait(); exit != 0 || err != nil {
		b.Fatalf("exit code %d, %v", exit, err)
	}
	return n
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
