package main

import (
	"io"
	"os"
)

// streams are the program's standard streams and its environment, passed in so that commands can
// be tested without a process.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

func stdio() streams {
	return streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
}
