// Package journaltest writes journals for tests, as the agent does.
package journaltest

import (
	"fmt"
	"strings"
)

// What [Lines] is of.
const (
	RunID = "20260801-r1"
	Boot  = "11111111-2222-3333-4444-555555555555"
)

// SHA is of the driver, and of the agent.
func SHA() string { return strings.Repeat("0123456789abcdef", 4) }

// Lines is the journal of a run of so many cases, each with a step.
func Lines(cases int) []string {
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, fmt.Sprintf(`{"seq":%d,"ms":%d,`, len(lines)+1, len(lines))+fmt.Sprintf(format, args...)+"}\n")
	}
	add(`"ev":"run-start","abi":1,"run":"%s","boot":"%s","agent":"%s","cases":%d,"unixMs":1790000000000`, RunID, Boot, SHA(), cases)
	add(`"ev":"driver-start","ok":1,"win32":0,"entry":0,"sha256":"%s","base":"0xfffff80123450000","size":40960`, SHA())
	for n := range cases {
		add(`"ev":"case-start","n":%d`, n)
		add(`"ev":"step","n":%d,"step":0,"status":0,"origin":0,"runs":1,"ns":1800,"maxNs":1800,"v":[0,0,0,0,0,0,0,0,0,"0xffffffffffffffff"],"ok":1`, n)
		add(`"ev":"case-end","n":%d,"ran":1,"why":"done","left":[0,0,0,0,0,0],"after":[0,0,0,0,0,0]`, n)
	}
	add(`"ev":"driver-stop","ok":1,"win32":0,"sha256":"%s","ms2":14`, SHA())
	add(`"ev":"run-end","why":"done","cases":%d`, cases)
	return lines
}
