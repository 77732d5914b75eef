package driver

// SetCache and setConfig are by what a user says where this program keeps what it needs: ~/Library (os.UserCacheDir, os.UserConfigDir).
const (
	SetCache  = "set HOME"
	setConfig = "set HOME"
)

// CachePlace and ConfigPlace are where that is, in words.
const (
	CachePlace  = "~/Library/Caches/wskharness"
	ConfigPlace = "~/Library/Application Support/wskharness"
)
