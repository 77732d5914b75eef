package suites

import (
	"fmt"

	"wskharness/driver/abi"
	"wskharness/winerr"
)

func (j *judgement) check(c *Check) {
	if len(c.oneOf) > 0 {
		j.listed(c)
		return
	}
	for _, cond := range c.conds {
		var got uint64
		switch cond.value {
		case abi.ValueElapsedNS:
			got = j.result.NS
		case abi.ValueMaxNS:
			got = j.result.MaxNS
		default:
			if int(cond.value) >= len(j.result.Values) {
				j.add(KindReport, "", c.Text, "not reported", fmt.Sprintf("%s: expected %s, but the guest did not report it", c.subject, c.Want))
				return
			}
			got = j.result.Values[cond.value]
		}
		want := c.Want
		if cond.from != nil {
			var ok bool
			if cond.want, ok = cond.from.number(j.known); !ok {
				j.add(KindReport, "", c.Text, "not reported", fmt.Sprintf("%s: expected %s, but the guest did not report %s", c.subject, c.Want, cond.from))
				return
			}
			want = fmt.Sprintf("%s (%s)", c.form.compared(c.value.format(cond.want)), cond.from)
		}
		if cond.holds(got) {
			continue
		}
		if cond.value >= abi.MaxValues {
			j.add(KindTime, "", c.Want, elapsed(got), fmt.Sprintf("expected the call to take %s; it took %s", c.Want, elapsed(got)))
			return
		}
		actual := c.actual(got) + j.cause(c)
		j.add(KindValue, c.value.name, c.subject+" "+want, c.subject+" "+actual+j.hint(), fmt.Sprintf("%s: expected %s, got %s%s", c.subject, want, actual, j.hint()))
		return
	}
}

// cause is what the step itself says of why a value is not as demanded: ", error STATUS_ADDRESS_ALREADY_EXISTS (0xC000020A)".
func (j *judgement) cause(c *Check) string {
	for _, v := range j.step.op.values {
		if !v.cause || v.name == c.value.name || int(v.index) >= len(j.result.Values) {
			continue
		}
		if status := winerr.NTStatus(j.result.Values[v.index]); !status.Success() {
			return ", " + v.name + " " + status.String()
		}
	}
	return ""
}

func (c *Check) actual(got uint64) string {
	switch c.part {
	case majorPart:
		return fmt.Sprint(got >> 8)
	case minorPart:
		return fmt.Sprint(got & 0xFF)
	}
	return c.value.format(got)
}

func (c condition) holds(got uint64) bool {
	switch c.compare {
	case abi.EQ:
		return got == c.want
	case abi.NE:
		return got != c.want
	case abi.GE:
		return got >= c.want
	case abi.LE:
		return got <= c.want
	case abi.Has:
		return got&c.want == c.want
	}
	return false
}
