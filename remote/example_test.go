//go:build linux

package remote_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"strings"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
)

func Example() {
	ctx := context.Background()
	endpoint, stop := someMachine()
	defer stop()

	client, err := remote.New(endpoint, remote.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	shell, err := client.Shell(ctx, remote.ShellOptions{Name: "example", Env: map[string]string{"GREETING": "hello"}})
	if err != nil {
		log.Fatal(err)
	}
	defer shell.Close(ctx)

	result, err := shell.Run(ctx, remote.CommandLine{Line: "echo $GREETING; cat; exit 3"}, strings.NewReader("from standard input\n"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", result.Stdout)
	fmt.Println("exit code", result.ExitCode)

	_, err = shell.Run(ctx, remote.CommandLine{Line: "/no/such/program", SkipShell: true}, nil)
	fmt.Println("gone:", remote.IsGone(err))
	// Output:
	// hello
	// from standard input
	// exit code 3
	// gone: false
}

// someMachine is a WinRM endpoint in front of this machine.
func someMachine() (remote.Endpoint, func()) {
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		log.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: winrmdtest.LocalHost{}, User: "tester", Password: "secret", Certificate: cert.TLS})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(listener)
	return remote.Endpoint{
		URL: "https://" + listener.Addr().String() + "/wsman", User: "tester", Password: "secret",
		Auth: remote.AuthBasic, PinSHA256: cert.SHA256,
	}, func() { server.Shutdown(context.Background()) }
}
