//go:build linux

package winrmd_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
)

// A test of any WinRM client needs a machine to talk to. This one loses the first answer.
func Example() {
	ctx := context.Background()
	cert, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		log.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{
		Host: winrmdtest.LocalHost{}, User: "tester", Password: "secret", Certificate: cert.TLS,
		Inject: func(r winrmd.Request) winrmd.InjectedFault {
			if r.Action == "Create" && r.Count == 1 {
				return winrmd.InjectedFault{Kind: winrmd.LoseAnswer}
			}
			return winrmd.InjectedFault{}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(listener)
	defer server.Shutdown(ctx)

	client, err := remote.New(remote.Endpoint{
		URL: "https://" + listener.Addr().String() + "/wsman", User: "tester", Password: "secret",
		Auth: remote.AuthBasic, PinSHA256: cert.SHA256,
	}, remote.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	_, err = client.Shell(ctx, remote.ShellOptions{})
	unanswered, maybeDone := remote.IsUnanswered(err)
	fmt.Println("the first shell: unanswered", unanswered, "maybe made", maybeDone)
	shells, err := client.Shells(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("on the server:", len(shells))
	// Output:
	// the first shell: unanswered true maybe made true
	// on the server: 1
}
