package logs

import (
	"fmt"
	"strings"

	"github.com/rs/zerolog"
)

// critical is written at zerolog's fatal level, which names the severity but must not end the process.
const critical = zerolog.FatalLevel

// severity folds zerolog's levels into the five of the log.
func severity(level zerolog.Level) zerolog.Level {
	if level >= zerolog.NoLevel {
		return zerolog.InfoLevel
	}
	return min(max(level, zerolog.DebugLevel), critical)
}

// ParseLevel reads a level as users write it: debug, info, warning, error or critical, in any case.
func ParseLevel(s string) (zerolog.Level, error) {
	for level := zerolog.DebugLevel; level <= critical; level++ {
		if strings.EqualFold(s, LevelName(level)) {
			return level, nil
		}
	}
	return zerolog.NoLevel, fmt.Errorf("unknown log level %q", s)
}

// LevelName is the word for a level in the log: DEBUG, INFO, WARNING, ERROR or CRITICAL.
func LevelName(level zerolog.Level) string {
	switch level = severity(level); level {
	case zerolog.WarnLevel:
		return "WARNING"
	case critical:
		return "CRITICAL"
	}
	return strings.ToUpper(level.String())
}
