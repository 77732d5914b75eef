package child

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// pipe is a pipe whose reading end has deadlines. The system's anonymous pipes have none, since they can't be read
// asynchronously: so it is a named one, which nobody else can open once it has its one client.
func pipe() (read, write *os.File, err error) {
	name := `\\.\pipe\wskharness-` + rand.Text()
	name16, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, nil, err
	}
	const buffer = 64 << 10
	server, err := windows.CreateNamedPipe(name16, windows.PIPE_ACCESS_INBOUND|windows.FILE_FLAG_OVERLAPPED|windows.FILE_FLAG_FIRST_PIPE_INSTANCE,
		windows.PIPE_TYPE_BYTE|windows.PIPE_REJECT_REMOTE_CLIENTS, 1, 0, buffer, 0, nil)
	if err != nil {
		return nil, nil, os.NewSyscallError("CreateNamedPipe", err)
	}
	client, err := windows.CreateFile(name16, windows.GENERIC_WRITE, 0, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, nil, errors.Join(os.NewSyscallError("CreateFile", err), windows.CloseHandle(server))
	}
	return os.NewFile(uintptr(server), name), os.NewFile(uintptr(client), name), nil
}

var peekNamedPipe = windows.NewLazySystemDLL("kernel32.dll").NewProc("PeekNamedPipe")

// readNow reads what is in a pipe, and does not wait for more: 0 where there is nothing.
func readNow(f *os.File, piece []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var there uint32
	var failed error
	err = raw.Control(func(handle uintptr) {
		if ok, _, err := peekNamedPipe.Call(handle, 0, 0, 0, uintptr(unsafe.Pointer(&there)), 0); ok == 0 {
			failed = err
		}
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(failed, windows.ERROR_BROKEN_PIPE):
		return 0, nil
	case failed != nil:
		return 0, fmt.Errorf("look into a pipe: %w", failed)
	case there == 0:
		return 0, nil
	}
	return f.Read(piece[:min(len(piece), int(there))])
}
