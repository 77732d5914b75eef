//go:build linux

package early

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reboot starts the machine anew, in order.
func Reboot() error { return power(unix.LINUX_REBOOT_CMD_RESTART) }

// PowerOff turns the machine off, in order.
func PowerOff() error { return power(unix.LINUX_REBOOT_CMD_POWER_OFF) }

func power(how int) error {
	unix.Sync()
	return unix.Reboot(how)
}

// Crash has the kernel panic, as a driver's bugcheck does on Windows.
func Crash() error {
	return os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0)
}

// Hang keeps every processor busy with what nothing else may interrupt but the kernel itself: it goes on taking connections,
// and nobody answers on them.
func Hang() error {
	if err := os.WriteFile("/proc/sys/kernel/sched_rt_runtime_us", []byte("-1"), 0); err != nil {
		return err
	}
	for n := range runtime.NumCPU() {
		go spin(n)
	}
	return nil
}

// spin makes its thread one of the highest priority on one processor, for ever.
func spin(processor int) {
	runtime.LockOSThread()
	var only unix.CPUSet
	only.Set(processor)
	unix.SchedSetaffinity(0, &only)
	const firstInFirstOut = 1
	priority := struct{ n int32 }{99}
	unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, 0, firstInFirstOut, uintptr(unsafe.Pointer(&priority)))
	//lint:ignore SA5002 to use a whole processor is what it is for
	for {
	}
}

// OnPowerButton calls do when the machine's power button is pressed.
func OnPowerButton(do func()) {
	devices, _ := filepath.Glob("/dev/input/event*")
	for _, device := range devices {
		if f, err := os.Open(device); err == nil {
			go awaitPowerKey(f, do)
		}
	}
}

// awaitPowerKey reads struct input_event of linux/input.h: a time of 16 bytes, type, code, value.
func awaitPowerKey(f *os.File, do func()) {
	const size, typeKey, codePower = 24, 1, 116
	event := make([]byte, size)
	for {
		if n, err := f.Read(event); err != nil || n != size {
			return
		}
		kind, code, value := binary.NativeEndian.Uint16(event[16:]), binary.NativeEndian.Uint16(event[18:]), binary.NativeEndian.Uint32(event[20:])
		if kind == typeKey && code == codePower && value == 1 {
			Say("the power button was pressed")
			do()
		}
	}
}
