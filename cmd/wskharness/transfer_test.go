package main

import "testing"

func TestTransferReportInOneLine(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		report transferReport
		want   string
	}{
		{transferReport{Path: `C:\a`, Files: 1, Bytes: 8, Moved: 8, Seconds: 0.012, Wire: 999}, `C:\a: 8 bytes in 12ms`},
		{transferReport{Path: `C:\a`, Files: 1, Skipped: 1, Bytes: 8}, `C:\a: already there (8 bytes)`},
		{transferReport{Path: `C:\a`, Files: 1, Bytes: 64 * mib, Moved: 64 * mib, Seconds: 8, Wire: 86 * mib}, `C:\a: 64.0 MiB in 8.00s, 8.0 MiB/s; 86.0 MiB on the wire`},
		{transferReport{Path: `C:\a`, Files: 1, Bytes: 64 * mib, Moved: 48 * mib, Seconds: 8, Wire: 50 * mib}, `C:\a: 64.0 MiB in 8.00s, 6.0 MiB/s; went on from 16.0 MiB; 50.0 MiB on the wire`},
		{transferReport{Path: "t", Files: 12, Skipped: 3, Folders: 1, Bytes: 100, Moved: 40, Seconds: 1}, `t: 1 folder, 12 files, 100 bytes in 1.00s; 3 files already there, 60 bytes in all`},
		{transferReport{Path: "t", Files: 12, Skipped: 12, Folders: 2, Bytes: 100}, `t: already there (2 folders, 12 files, 100 bytes)`},
		{transferReport{Path: "t", Folders: 2, Seconds: 1}, `t: 2 folders, 0 files, 0 bytes in 1.00s`},
		{transferReport{Path: "t\x1b[2J", Files: 1, Bytes: 1, Moved: 2, Seconds: 1}, `t\x1b[2J: 1 bytes in 1.00s`}, // sent twice
	}
	for _, test := range tests {
		if got := test.report.describe(); got != test.want {
			t.Errorf("%s\nwant %s", got, test.want)
		}
	}
}
