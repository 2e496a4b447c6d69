package tts

// LogEntry is one line of a server's log.
type LogEntry struct {
	ID        uint64 `json:"id"`
	Timestamp string `json:"timestamp"` // the server's local time, as in its files: 2024-01-15 10:30:45,123
	UnixMS    int64  `json:"unix_ms"`   // the same moment, also in the hour that comes twice a year
	Level     string `json:"level"`     // DEBUG, INFO, WARNING, ERROR or CRITICAL
	Message   string `json:"message"`
}

// LogPage is a piece of a server's log.
type LogPage struct {
	Run    string     `json:"run"`     // the server's; another one counts its entries from 1 on again
	Logs   []LogEntry `json:"logs"`    // oldest first
	Lost   uint64     `json:"lost"`    // entries that the server forgot before they were asked for
	LastID uint64     `json:"last_id"` // what to ask for next: everything since this one
}

// LogQuery chooses entries.
type LogQuery struct {
	Level string  // the least one; "" is all
	Since *uint64 // the ID of the last entry that the caller has; nil asks for the newest
	Run   string  // that Since is of, as in LogPage; "" is the one that the server is in
	Limit int     // 0 is none
}

// LogEvent is what happens on a log that is followed: one of its fields is set.
type LogEvent struct {
	Entry *LogEntry // the next entry
	Lost  uint64    // so many entries were forgotten before they could be read
	Run   string    // the server was started anew: what it logged last before that may be missing, and IDs begin at 1 again
	Err   error     // the connection broke; it is being made again
}
