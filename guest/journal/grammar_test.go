package journal

import (
	"errors"
	"strings"
	"testing"

	"wskharness/winerr"
)

var deployedHash = strings.Repeat("ab", 32)

// threeShapes is a plan of three cases: of two steps, of one, and of three, the second of which reboots.
func threeShapes() Shape {
	return Shape{Run: "r", ABI: 4, SHA256: deployedHash, Cases: []CaseShape{{Steps: 2}, {Steps: 1}, {Steps: 3, Reboots: []int{1}}}}
}

func boots(id string) Record { return Record{Ev: EvBoot, Boot: id} }

// asPlanned is a journal of these cases in which all is in its place.
func asPlanned() []Record {
	return []Record{
		{Ev: EvRunStart, Run: "r", ABI: 4, Cases: 3, Boot: "one"},
		{Ev: EvDriverStart, OK: true, SHA256: deployedHash},
		{Ev: EvCaseStart}, {Ev: EvOutput, Of: "stdout", Data: []byte("x")}, {Ev: EvStep}, {Ev: EvStep, Step: 1}, {Ev: EvCaseEnd, Ran: 2},
		{Ev: EvCaseStart, N: 1}, {Ev: EvStep, N: 1}, {Ev: EvCaseEnd, N: 1, Ran: 1},
		{Ev: EvCaseStart, N: 2}, {Ev: EvStep, N: 2}, {Ev: EvReboot, N: 2, Step: 1}, boots("two"), {Ev: EvStep, N: 2, Step: 1, OK: true}, {Ev: EvStep, N: 2, Step: 2}, {Ev: EvCaseEnd, N: 2, Ran: 3},
		{Ev: EvDriverStop, OK: true, SHA256: deployedHash},
		{Ev: EvRunEnd, Why: "done", Cases: 3},
	}
}

// TestGrammar changes one record of a journal, or what is around it: what can't be there is refused, at its place.
func TestGrammar(t *testing.T) {
	with := func(i int, r Record) []Record {
		all := asPlanned()
		all[i] = r
		return all
	}
	insert := func(i int, r ...Record) []Record {
		all := asPlanned()
		return append(append(all[:i:i], r...), all[i:]...)
	}
	without := func(from, to int) []Record { all := asPlanned(); return append(all[:from:from], all[to:]...) }
	long := Record{Ev: EvOutput, Of: "stderr", Data: make([]byte, 40<<10)}
	last := Record{Ev: EvOutput, Of: "stderr", Last: true, Data: make([]byte, 3<<10)}
	report := Record{Ev: EvOutput, Of: "report", Data: make([]byte, 3<<20)}
	resident := threeShapes()
	resident.Resident = true
	end := func(why string, cases int, win32 winerr.Win32) Record {
		return Record{Ev: EvRunEnd, Why: why, Cases: cases, Win32: win32}
	}
	stop := asPlanned()[17]
	for name, test := range map[string]struct {
		shape   Shape
		records []Record
		refused int // the number of the record that can't be there; 0: all can
		why     string
	}{
		"as planned":                        {threeShapes(), asPlanned(), 0, ""},
		"a plan that was refused":           {threeShapes(), []Record{end("plan", 0, 0)}, 0, ""},
		"another refusal":                   {threeShapes(), []Record{end("done", 0, 0)}, 1, "does not belong"},
		"nothing before it":                 {threeShapes(), without(0, 1), 1, "does not belong"},
		"of another run":                    {threeShapes(), with(0, Record{Ev: EvRunStart, Run: "q", ABI: 4, Cases: 3}), 1, `of the run "q"`},
		"of another ABI":                    {threeShapes(), with(0, Record{Ev: EvRunStart, Run: "r", ABI: 3, Cases: 3}), 1, "ABI is 3"},
		"of another plan":                   {threeShapes(), with(0, Record{Ev: EvRunStart, Run: "r", ABI: 4, Cases: 2}), 1, "has 3 cases, and not 2"},
		"run-start twice":                   {threeShapes(), insert(1, asPlanned()[0]), 2, "does not belong"},
		"no driver-start":                   {threeShapes(), without(1, 2), 2, "does not belong"},
		"another driver":                    {threeShapes(), with(1, Record{Ev: EvDriverStart, OK: true, SHA256: "cd"}), 2, "not the deployed"},
		"a driver that failed, and a case":  {threeShapes(), with(1, Record{Ev: EvDriverStart}), 3, "does not belong"},
		"a driver that failed":              {threeShapes(), []Record{asPlanned()[0], {Ev: EvDriverStart}, stop, end("driver-start", 0, 0)}, 0, ""},
		"a case again":                      {threeShapes(), insert(7, asPlanned()[2:7]...), 8, "case 1 whose turn"},
		"a case left out":                   {threeShapes(), without(7, 10), 8, "case 1 whose turn"},
		"a case too many":                   {threeShapes(), insert(17, Record{Ev: EvCaseStart, N: 3}), 18, "has no case 3"},
		"a case in a case":                  {threeShapes(), insert(5, Record{Ev: EvCaseStart, N: 1}), 6, "does not belong"},
		"a case behind the stop":            {threeShapes(), insert(18, asPlanned()[2]), 19, "does not belong"},
		"a step of another case":            {threeShapes(), with(4, Record{Ev: EvStep, N: 1}), 5, "case 0 is under way"},
		"a step again":                      {threeShapes(), insert(5, Record{Ev: EvStep}), 6, "had its turn"},
		"a step too many":                   {threeShapes(), insert(6, Record{Ev: EvStep, Step: 2}), 7, "no step 2"},
		"a step between cases":              {threeShapes(), insert(7, Record{Ev: EvStep}), 8, "does not belong"},
		"output, and another step":          {threeShapes(), without(4, 5), 5, "that of step 0 has to come first"},
		"output, and the end":               {threeShapes(), without(4, 6), 5, "does not belong"},
		"more output than is kept":          {threeShapes(), insert(4, long, long), 6, "at most 65536 bytes"},
		"more of an end than is kept":       {threeShapes(), insert(4, last, last), 6, "of the end of the stderr of a step at most 4096 bytes"},
		"the end of an output":              {threeShapes(), insert(4, long, last), 0, ""},
		"more of a report than is kept":     {threeShapes(), insert(4, report, report), 6, "at most 4194304 bytes"},
		"a case that ends twice":            {threeShapes(), insert(7, asPlanned()[6]), 8, "does not belong"},
		"more steps than there are":         {threeShapes(), with(6, Record{Ev: EvCaseEnd, Ran: 3}), 7, "3 are said to have run"},
		"a reboot of another step":          {threeShapes(), with(12, Record{Ev: EvReboot, N: 2, Step: 2}), 13, "does not reboot"},
		"a boot without a reboot":           {threeShapes(), without(12, 13), 13, "does not belong"},
		"the same boot":                     {threeShapes(), with(13, boots("one")), 14, "of the boot before"},
		"a reboot without a boot":           {threeShapes(), without(13, 14), 14, "no boot came of it"},
		"a reboot that failed":              {threeShapes(), append(append([]Record{}, without(13, 14)[:13]...), append([]Record{{Ev: EvStep, N: 2, Step: 1}}, asPlanned()[15:]...)...), 0, ""},
		"a reboot without its order":        {threeShapes(), without(12, 14), 13, "its order to do so is missing"},
		"a stop of another driver":          {threeShapes(), with(17, Record{Ev: EvDriverStop, OK: true, SHA256: "cd"}), 18, "not the deployed"},
		"a stop twice":                      {threeShapes(), insert(18, stop), 19, "does not belong"},
		"left, and to be unloaded":          {threeShapes(), with(17, Record{Ev: EvDriverLeft, OK: true, SHA256: deployedHash}), 18, "unloaded at the end"},
		"left, as planned":                  {resident, with(17, Record{Ev: EvDriverLeft, OK: true, SHA256: deployedHash}), 0, ""},
		"unloaded, and to be left":          {resident, asPlanned(), 18, "never unloaded"},
		"another plan after the boot":       {threeShapes(), append(asPlanned()[:13:13], end("plan", 2, 0)), 0, ""},
		"… and the number of cases":         {threeShapes(), append(asPlanned()[:13:13], end("plan", 3, 0)), 14, "2 cases have ended, and not 3"},
		"… but it has gone on":              {threeShapes(), append(asPlanned()[:14:14], end("plan", 2, 0)), 15, "does not belong"},
		"a refused plan, and cases":         {threeShapes(), []Record{end("plan", 1, 0)}, 1, "0 cases have ended, and not 1"},
		"a refused plan that began":         {threeShapes(), append(asPlanned()[:1:1], end("plan", 0, 0)), 2, "does not belong"},
		"a refused plan between cases":      {threeShapes(), append(asPlanned()[:7:7], end("plan", 1, 0)), 8, "does not belong"},
		"a refused plan in a case":          {threeShapes(), append(asPlanned()[:5:5], end("plan", 0, 112)), 6, "does not belong"},
		"another's before the start":        {threeShapes(), append(asPlanned()[:1:1], end("lease", 0, 0)), 0, ""},
		"another's between cases":           {threeShapes(), append(asPlanned()[:7:7], end("lease", 1, 0)), 0, ""},
		"another's instead of the stop":     {threeShapes(), append(asPlanned()[:17:17], end("lease", 3, 0)), 0, ""},
		"another's at a reboot":             {threeShapes(), append(asPlanned()[:13:13], end("lease", 2, 0)), 0, ""},
		"… and the number of its cases":     {threeShapes(), append(asPlanned()[:13:13], end("lease", 3, 0)), 14, "2 cases have ended, and not 3"},
		"another's before it began":         {threeShapes(), []Record{end("lease", 0, 0)}, 1, "does not belong"},
		"another's in a case":               {threeShapes(), append(asPlanned()[:5:5], end("lease", 0, 0)), 6, "does not belong"},
		"… for want of room":                {threeShapes(), append(asPlanned()[:5:5], end("lease", 0, 112)), 0, ""},
		"another's after the boot":          {threeShapes(), append(asPlanned()[:14:14], end("lease", 2, 0)), 15, "does not belong"},
		"another's, and a stop":             {threeShapes(), append(asPlanned()[:18:18], end("lease", 3, 0)), 19, "does not belong"},
		"another's, and no driver":          {threeShapes(), []Record{asPlanned()[0], {Ev: EvDriverStart}, end("lease", 0, 0)}, 3, "does not belong"},
		"done without a stop":               {threeShapes(), without(17, 18), 18, "the driver's end is not told"},
		"done before the last case":         {threeShapes(), append(asPlanned()[:10:10], stop, end("done", 2, 0)), 12, "2 of 3 cases have ended"},
		"another number of cases":           {threeShapes(), with(18, end("done", 2, 0)), 19, "3 cases have ended, and not 2"},
		"cancelled between cases":           {threeShapes(), append(asPlanned()[:10:10], stop, end("cancelled", 2, 0)), 0, ""},
		"ended in a case":                   {threeShapes(), append(asPlanned()[:5:5], end("done", 0, 0)), 6, "does not say why"},
		"stopped in a case":                 {threeShapes(), append(asPlanned()[:5:5], stop, end("journal", 0, 0)), 7, "does not say why"},
		"ended in a case, for want of room": {threeShapes(), append(asPlanned()[:5:5], stop, end("journal", 0, 112)), 0, ""},
		"nothing behind the end":            {threeShapes(), append(asPlanned(), end("done", 3, 0)), 20, "does not belong"},
		"a record that nobody has heard of": {threeShapes(), insert(2, Record{Ev: "else"}), 3, "no run has such a record"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewGrammar(test.shape)
			for i, r := range test.records {
				r.Seq, r.Offset = uint64(i+1), int64(100*i)
				err := g.Accept(r)
				wrong, refused := errors.AsType[*OutOfTurnError](err)
				switch {
				case refused != (i+1 == test.refused):
					t.Fatalf("record %d, %s: %v", i+1, r.Ev, err)
				case refused && (wrong.Record.Seq != r.Seq || !strings.Contains(err.Error(), test.why) || !strings.Contains(err.Error(), "at byte ")):
					t.Fatalf("%v\nwant %q", err, test.why)
				case refused:
					return
				}
			}
			if test.refused != 0 {
				t.Errorf("record %d is not refused; want test.refused == 0", test.refused)
			}
		})
	}
}
