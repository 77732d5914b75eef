package driver

// SetCache and setConfig are by what a user says where this program keeps what it needs (os.UserCacheDir, os.UserConfigDir).
const (
	SetCache  = "set LocalAppData"
	setConfig = "set AppData"
)

// CachePlace and ConfigPlace are where that is, in words.
const (
	CachePlace  = "%LocalAppData%\\wskharness"
	ConfigPlace = "%AppData%\\wskharness"
)
