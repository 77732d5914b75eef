package guest

// Obstacles are what keeps this guest from loading test-signed drivers, as far as its facts tell: each in a few words, with
// what mends it. Wine loads any driver.
func (f Facts) Obstacles() (all []string) {
	if f.Kind() != KindWindows {
		return nil
	}
	signing := f.TestSigning != nil && *f.TestSigning || f.CodeIntegrity != nil && *f.CodeIntegrity&codeIntegrityTestSign != 0
	if f.Admin != nil && !*f.Admin {
		all = append(all, "account is no administrator with a full token, who alone may load drivers")
	}
	if f.SecureBoot != nil && *f.SecureBoot {
		all = append(all, "Secure Boot is on, with which test signing is ignored: turn it off in the firmware's settings")
	}
	if (f.TestSigning != nil || f.CodeIntegrity != nil) && !signing {
		all = append(all, "test signing is off, so that only drivers load that Microsoft has signed")
	}
	return all
}
