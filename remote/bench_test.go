//go:build linux

package remote_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"wskharness/remote"
	"wskharness/remote/winrmd"
)

// BenchmarkUpload and BenchmarkDownload move 10 MiB that cannot be compressed through one shell.
func BenchmarkUpload(b *testing.B) {
	data := make([]byte, 10<<20)
	rand.Read(data)
	each(b, func(b *testing.B, client *remote.WinRM, shell *remote.Shell) {
		got, err := shell.Run(b.Context(), remote.CommandLine{Line: "wc -c"}, bytes.NewReader(data))
		if err != nil || string(bytes.TrimSpace(got.Stdout)) != "10485760" {
			b.Fatalf("%q, %v", got.Stdout, err)
		}
	})
}

func BenchmarkDownload(b *testing.B) {
	each(b, func(b *testing.B, client *remote.WinRM, shell *remote.Shell) {
		command, err := shell.Start(b.Context(), remote.CommandLine{Line: "head -c 10485760 /dev/urandom"})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, command.Stdout); n != 10<<20 || err != nil {
			b.Fatal(n, err)
		}
	})
}

func each(b *testing.B, move func(*testing.B, *remote.WinRM, *remote.Shell)) {
	m := serve(b, winrmd.Options{})
	for _, way := range []struct {
		name string
		ep   remote.Endpoint
	}{{"basic-https", m.basic}, {"ntlm-sealed", m.sealed}} {
		b.Run(way.name, func(b *testing.B) {
			client, err := remote.New(way.ep, remote.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			shell := openShell(b, client, remote.ShellOptions{})
			before := client.Stats()
			b.SetBytes(10 << 20)
			for b.Loop() {
				move(b, client, shell)
			}
			after := client.Stats()
			n := float64(b.N)
			b.ReportMetric(float64(after.Requests-before.Requests)/n, "requests/op")
			b.ReportMetric(float64(after.BytesSent+after.BytesReceived-before.BytesSent-before.BytesReceived)/n/(10<<20), "wire/payload")
		})
	}
}

// BenchmarkNoop is the price of a command that does nothing, on an open shell.
func BenchmarkNoop(b *testing.B) {
	m := serve(b, winrmd.Options{Host: result{}})
	client, err := remote.New(m.basic, remote.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	shell := openShell(b, client, remote.ShellOptions{})
	before := client.Stats().Requests
	for b.Loop() {
		if _, err := shell.Run(b.Context(), remote.CommandLine{Line: "x"}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(client.Stats().Requests-before)/float64(b.N), "requests/op")
}
