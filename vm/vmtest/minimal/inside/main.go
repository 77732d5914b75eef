//go:build linux

// Command inside is the first and only program of a minimal guest. What it can be told to do is in package minimal.
package main

import (
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/vm/vmtest/bootable/early"
)

// disk is where the machine's disk is mounted.
const disk = "/disk"

func main() {
	if err := serve(); err != nil {
		early.Say("%v", err)
	}
	early.PowerOff() // rather than the panic of a kernel whose first program has ended
}

func serve() error {
	config, err := early.Start(disk)
	if err != nil {
		return err
	}
	certificate, err := config.TLS()
	if err != nil {
		return err
	}
	server, err := winrmd.New(winrmd.Options{
		Host: host{}, User: config.User, Password: remote.Secret(config.Password), Certificate: certificate,
	})
	if err != nil {
		return err
	}
	early.OnPowerButton(func() { early.PowerOff() })
	listener, err := early.Listen()
	if err != nil {
		return err
	}
	return server.Serve(listener)
}
