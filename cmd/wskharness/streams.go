package main

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// streams are the program's standard streams and its environment, passed in so that commands can
// be tested without a process.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

func stdio() streams { return streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv} }

// tell says something on standard error, in the program's name.
func (s streams) tell(text string) { fmt.Fprintf(s.err, "wskharness: %s\n", text) }

// printed is standard output as commands see it. It keeps the first write that failed, for execute to ask at the end: so
// no command calls what is cut short a success, whether it looks at each write or not.
type printed struct {
	to  io.Writer
	mu  sync.Mutex
	err error
}

func (p *printed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.to.Write(data)
	if err != nil {
		p.err = fmt.Errorf("standard output is incomplete: %w", err)
	}
	return n, p.err
}

// failed is the first write that did.
func (p *printed) failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// screen is what is behind standard output, for a view that asks whether it is a terminal. Writes to it are not kept:
// the view tells of them itself.
func (s streams) screen() io.Writer {
	if p, ok := s.out.(*printed); ok {
		return p.to
	}
	return s.out
}
