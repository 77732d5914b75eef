package child

import (
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// holdersIn are the processes of the job that are still there: which of them has the output open, the system does not say.
func (outputs) holdersIn(g *group) (by []Holder) {
	// JOBOBJECT_BASIC_PROCESS_ID_LIST: how many there are, how many of them follow, and these.
	var list struct {
		assigned, listed uint32
		pids             [maxHolders + 1]uintptr
	}
	// With more than fit in, the call fails (ERROR_MORE_DATA), and those that fit are there.
	_ = windows.QueryInformationJobObject(g.job, windows.JobObjectBasicProcessIdList, uintptr(unsafe.Pointer(&list)), uint32(unsafe.Sizeof(list)), nil)
	for _, pid := range list.pids[:min(int(list.listed), len(list.pids))] {
		by = append(by, Holder{PID: int(pid), Name: nameOf(uint32(pid)), Group: true})
	}
	return by
}

// nameOf is the name of a process's program. One that is gone has none.
func nameOf(pid uint32) string {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return printable("")
	}
	defer windows.CloseHandle(process)
	path := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(len(path))
	if err := windows.QueryFullProcessImageName(process, 0, &path[0], &size); err != nil {
		return printable("")
	}
	return printable(filepath.Base(windows.UTF16ToString(path[:size])))
}
