package prepare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"wskharness/prepare/windows"
	"wskharness/winerr"
)

// view is what was read of a target. Settings read through it: what nobody has read yet is noted, and read with all else that is,
// in one conversation; then the settings look again. So no list of what is read has to be kept beside what is done with it.
type view struct {
	opts    Options
	answers map[string]*windows.Answer // by call; nil: it was not executed yet
	missing []windows.Call
	err     error // of the setting that looks: what could not be read
}

// maxLooks bounds how often something is read because of what was read before.
const maxLooks = 4

// look has every setting judge the target.
func look(ctx context.Context, host windows.Host, opts Options, settings []setting) ([]Finding, error) {
	v := &view{opts: opts, answers: map[string]*windows.Answer{}}
	for range maxLooks {
		findings := judge(v, settings)
		if len(v.missing) == 0 {
			return findings, nil
		}
		answers, err := host.Do(ctx, v.missing)
		if err != nil {
			return nil, err
		}
		for n, c := range v.missing {
			v.answers[keyOf(c)] = &answers[n]
		}
		v.missing = nil
	}
	return nil, errors.New("what is to be read depends on itself: this is a mistake of this program")
}

func keyOf(c windows.Call) string {
	text, _ := json.Marshal(c) // of strings, which can't fail
	return string(text)
}

// ask is what came of a call. The zero answer is given for one that was not executed yet.
func (v *view) ask(c windows.Call) (windows.Answer, error) {
	key := keyOf(c)
	a, asked := v.answers[key]
	if !asked {
		v.answers[key] = nil
		v.missing = append(v.missing, c)
	}
	if a == nil {
		return windows.Answer{}, nil
	}
	return *a, a.Err(c)
}

// need is ask, where a failure leaves the setting unknown.
func (v *view) need(c windows.Call) windows.Answer {
	a, err := v.ask(c)
	if err != nil {
		v.err = errors.Join(v.err, err)
	}
	return a
}

// item is what an item is.
func (v *view) item(i item) state {
	kind, err := kindOf(i)
	if err != nil {
		v.err = errors.Join(v.err, err)
		return state{}
	}
	call := kind.read(i)
	a, err := v.ask(call)
	if err == nil && !v.waitsFor(call) {
		var s state
		if s, err = kind.state(i, a); err == nil {
			return s
		}
	}
	if err != nil {
		v.err = errors.Join(v.err, err)
	}
	return state{}
}

// waitsFor reports whether a call was not executed yet.
func (v *view) waitsFor(c windows.Call) bool {
	a, asked := v.answers[keyOf(c)]
	return asked && a == nil
}

// number is a registry value as a number; ok is false where there is none.
func (v *view) number(key, name string) (n uint64, ok bool) {
	a := v.need(windows.Value(key, name))
	if a.Type != windows.DWord && a.Type != windows.QWord {
		return 0, false
	}
	n, err := strconv.ParseUint(a.Data, 10, 64)
	return n, err == nil
}

// text is a registry value as a text, fit to be shown; "" where there is none.
func (v *view) text(key, name string) string {
	a := v.need(windows.Value(key, name))
	if a.Type != windows.Text && a.Type != windows.ExpandText && a.Type != windows.List {
		return ""
	}
	return printable(strings.ReplaceAll(a.Data, "\x00", ", "), 1000)
}

// object is the first object of a query. Of a class, or a program, that a Windows does not have there is none: that is no failure.
func (v *view) object(c windows.Call) map[string]string {
	a, err := v.ask(c)
	if err != nil {
		if failed, ok := errors.AsType[*windows.CallError](err); !ok || failed.Code == winerr.ErrorAccessDenied {
			v.err = errors.Join(v.err, err)
		}
		return nil
	}
	return a.First()
}

const versionKey = `SOFTWARE\Microsoft\Windows NT\CurrentVersion`

// build is the number of this Windows.
func (v *view) build() int {
	n, _ := strconv.Atoi(v.text(versionKey, "CurrentBuildNumber"))
	return n
}

// server reports whether this is a Windows Server.
func (v *view) server() bool {
	return strings.HasPrefix(v.text(versionKey, "InstallationType"), "Server")
}

// architecture is that of its processor: AMD64, ARM64.
func (v *view) architecture() string {
	return strings.ToUpper(v.text(`SYSTEM\CurrentControlSet\Control\Session Manager\Environment`, "PROCESSOR_ARCHITECTURE"))
}

// describe names the Windows in a few words. ProductName calls Windows 11 "Windows 10", so it is the build that tells.
func (v *view) describe() string {
	name := v.text(versionKey, "ProductName")
	if v.build() >= windows11 && !v.server() {
		name = strings.Replace(name, "Windows 10", "Windows 11", 1)
	}
	return fmt.Sprintf("%s %s (build %d, %s)", name, v.text(versionKey, "DisplayVersion"), v.build(), v.architecture())
}

// The first builds of some versions.
const (
	windows10     = 10240
	windows11     = 22000
	windows11v22  = 22621 // 22H2: Smart App Control, CiTool
	server2025    = 26100
	systemDrive   = "C:"
	currentSystem = `SYSTEM\CurrentControlSet\`
)

// hasCITool reports whether this Windows has CiTool.
func (v *view) hasCITool() bool {
	return v.build() >= windows11v22 && (!v.server() || v.build() >= server2025)
}
