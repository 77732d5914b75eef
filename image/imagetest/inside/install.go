//go:build linux

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"wskharness/image/disc"
	"wskharness/vm/vmtest/bootable/early"
)

// answers is what of an answer file is looked at.
type answers struct {
	Settings []struct {
		Pass       string `xml:"pass,attr"`
		Components []struct {
			Name     string   `xml:"name,attr"`
			Paths    []string `xml:"RunSynchronous>RunSynchronousCommand>Path"`
			Password string   `xml:"UserAccounts>AdministratorPassword>Value"`
		} `xml:"component"`
	} `xml:"settings"`
}

// install does what Windows PE does with our discs.
func install(mode string) error {
	if mode == "silent" {
		forever()
	}
	device, err := os.Open(answerDisc)
	if err != nil {
		return err
	}
	defer device.Close()
	size, err := device.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	d, err := disc.Read(device, size)
	if err != nil {
		return err
	}
	files := map[string][]byte{}
	if err := readAll(d, "", files); err != nil {
		return err
	}
	var a answers
	if err := xml.Unmarshal(files["autounattend.xml"], &a); err != nil {
		return fmt.Errorf("autounattend.xml: %w", err)
	}
	called := false
	for _, s := range a.Settings {
		for _, c := range s.Components {
			for _, command := range c.Paths {
				called = called || s.Pass == "windowsPE" && strings.Contains(command, `call %d:\wskharness\install.cmd`)
			}
		}
	}
	if !called {
		return fmt.Errorf("autounattend.xml calls no install.cmd")
	}
	script := string(files["wskharness/install.cmd"])
	if !strings.Contains(script, "/Index:2 ") || !strings.Contains(script, `\sources\install.wim`) {
		return fmt.Errorf("install.cmd applies something else")
	}
	say("step winpe")
	switch mode {
	case "fail":
		say("failed dism /Apply-Image")
		forever()
	case "off":
		return nil
	case "crash":
		return early.Crash()
	}
	say("step apply")
	if err := copySelf(); err != nil {
		return err
	}
	if err := (&state{Files: files}).write(); err != nil {
		return err
	}
	say("step restart")
	return early.Reboot()
}

func readAll(d *disc.Disc, folder string, files map[string][]byte) error {
	entries, err := d.Folder(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name)
		if e.Folder {
			if err := readAll(d, name, files); err != nil {
				return err
			}
			continue
		}
		f, err := d.File(name)
		if err != nil {
			return err
		}
		if files[name], err = io.ReadAll(f); err != nil {
			return err
		}
	}
	return nil
}

// copySelf makes the disk one that starts what the disc starts, without asking for a key.
func copySelf() error {
	from, err := os.ReadFile(windowsDisc)
	if err != nil {
		return err
	}
	from = bytes.ReplaceAll(from, []byte("wanted=yes"), []byte("wanted=no "))
	to, err := os.OpenFile(systemDisk, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer to.Close()
	if _, err := to.Write(from); err != nil {
		return err
	}
	return to.Sync()
}
