// Package memory measures memory: what this process holds, and what the machine has left.
//
// Sizes are shown as the log lines always showed them: "MB" stands for 2^20 bytes.
package memory

import (
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v3/mem"
	"github.com/shirou/gopsutil/v3/process"
)

// mib is the unit that users see as MB.
const mib = 1 << 20

// RSS is the resident set of this process in bytes. Metal's buffers are not reliably part of it.
func RSS() (bytes uint64, err error) {
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return 0, fmt.Errorf("find this process: %w", err)
	}
	info, err := p.MemoryInfo()
	if err != nil {
		return 0, fmt.Errorf("read the memory of this process: %w", err)
	}
	return info.RSS, nil
}

// Machine is the memory of this machine in bytes: what the system can still hand out without swapping, and all of it.
func Machine() (available, total uint64, err error) {
	v, err := mem.VirtualMemory()
	if err != nil {
		return 0, 0, fmt.Errorf("read the memory of this machine: %w", err)
	}
	return v.Available, v.Total, nil
}

// MB gives bytes in the unit of the wire format.
func MB(bytes uint64) float64 { return float64(bytes) / mib }

// Text is a size as people read it, "256.3 MB".
func Text(mb float64) string { return fmt.Sprintf("%.1f MB", mb) }

// DeltaText is a change of size with its sign, "+2590.8 MB".
func DeltaText(mb float64) string { return fmt.Sprintf("%+.1f MB", mb) }
