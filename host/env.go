// Package host is this machine: what it has and lacks, what is kept on it, and which machines are in use from it.
package host

import (
	"github.com/hashicorp/go-hclog"

	"wskharness/config"
	"wskharness/vm"
)

// Env is what is needed of the machine that the controller is on.
type Env struct {
	Kinds   []vm.Kind // of machines, that there are
	Logger  hclog.Logger
	Cache   string   // folder for builds, templates and guests
	Program []string // calls this program, which plays the roles of the kinds (vm.Play)
	Getenv  func(string) string
	// Tell is nil, or is told what takes long and is done once, or whenever the driver was changed, before it is done. A run tells it
	// to its own view.
	Tell func(text string)
}

// Of is what providers of a configuration get of this machine, but for what is built.
func (e Env) Of(c *config.Config) vm.Host {
	return vm.Host{
		Cache: e.Cache, Program: e.Program, Never: c.SecretVariables(), Redactor: c.Redactor(e.Getenv), Getenv: e.Getenv, Logger: e.Logger, Tell: e.Tell,
	}
}
