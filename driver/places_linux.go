package driver

// SetCache and setConfig are by what a user says where this program keeps what it needs (os.UserCacheDir, os.UserConfigDir).
const (
	SetCache  = "set XDG_CACHE_HOME"
	setConfig = "set XDG_CONFIG_HOME"
)

// CachePlace and ConfigPlace are where that is, in words.
const (
	CachePlace  = "~/.cache/wskharness, or below XDG_CACHE_HOME"
	ConfigPlace = "~/.config/wskharness, or below XDG_CONFIG_HOME"
)
