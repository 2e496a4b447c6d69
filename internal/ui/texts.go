package ui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// firstSentence cuts a message where its first sentence ends, and writes it as one.
func firstSentence(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	if head, _, more := strings.Cut(s, ". "); more {
		s = head
	}
	return sentence(s)
}

// sentence writes a message with a capital, unless it begins with a name such as a model's, and with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	word, _, _ := strings.Cut(s, " ")
	if !strings.ContainsFunc(strings.TrimRight(word, ",:"), func(r rune) bool { return !unicode.IsLetter(r) }) {
		first, n := utf8.DecodeRuneInString(s)
		s = string(unicode.ToUpper(first)) + s[n:]
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// plural is a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// sizeText writes memory, in MiB as the server tells it.
func sizeText(mb float64) string {
	if math.Abs(mb) < 1000 {
		return fmt.Sprintf("%.0f MB", mb)
	}
	return fmt.Sprintf("%.1f GB", mb/1024)
}

func deltaText(mb float64) string {
	if mb < 0 {
		return "−" + sizeText(-mb)
	}
	return "+" + sizeText(mb)
}

// fileSize writes the size of a file as the Finder does, in powers of ten.
func fileSize(bytes int) string {
	switch {
	case bytes < 1000:
		return plural(bytes, "byte", "bytes")
	case bytes < 1_000_000:
		return fmt.Sprintf("%d KB", (bytes+500)/1000)
	case bytes < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}

// leftText writes the time that is left, roughly.
func leftText(seconds float64) string {
	switch minutes := math.Round(seconds / 60); {
	case seconds < 59.5:
		return fmt.Sprintf("%.0f s left", max(seconds, 1))
	case minutes < 100:
		return fmt.Sprintf("%.0f min left", minutes)
	}
	return fmt.Sprintf("%.1f h left", seconds/3600)
}

// rateText writes the speed of a download, in powers of ten.
func rateText(bytesPerSecond float64) string {
	switch {
	case bytesPerSecond < 999.5e3:
		return fmt.Sprintf("%.0f KB/s", bytesPerSecond/1e3)
	case bytesPerSecond < 9.95e6:
		return fmt.Sprintf("%.1f MB/s", bytesPerSecond/1e6)
	}
	return fmt.Sprintf("%.0f MB/s", bytesPerSecond/1e6)
}

// clock writes a length as m:ss, a last part of a second not counted.
func clock(d time.Duration) string {
	seconds := int(max(d, 0) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// speedText turns seconds of work for a second of audio into how many times as fast as it plays. It is "" for no time.
func speedText(realTimeFactor float64) string {
	if !(realTimeFactor > 0) {
		return ""
	}
	speed := 1 / realTimeFactor
	if speed < 0.1 {
		return fmt.Sprintf("%.2f× real time", speed)
	}
	return fmt.Sprintf("%.1f× real time", speed)
}

// lossText says what ends with the server.
func lossText(generations int) string {
	if generations == 1 {
		return "One generation has not ended yet. It will be stopped, and nothing of it is kept but the finished segments of a long text."
	}
	return fmt.Sprintf("%d generations have not ended yet. They will be stopped, and nothing of them is kept but the finished segments of long texts.", generations)
}
