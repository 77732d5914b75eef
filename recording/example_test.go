package recording_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"wskharness/disk"
	"wskharness/recording"
	"wskharness/remote"
)

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	r := recording.Start(disk.OS(), dir, remote.NewRedactor("a-password"), func(text string) { log.Print(text) })
	report := r.Client() // for remote.Options.Record
	report(remote.Exchange{Action: "Command", Status: 200, Request: []byte("<Command>net use * a-password</Command>")})
	r.Close()

	f, err := os.Open(filepath.Join(dir, recording.FileName))
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := recording.Read(f, func(l recording.Line) error { fmt.Println(l.Action, l.Status, l.Request); return nil }); err != nil {
		log.Fatal(err)
	}
	// Output: Command 200 <Command>net use * [redacted]</Command>
}
