package ui

import (
	"fmt"
	"net"
	"strings"

	"ttsui/internal/tts"
)

// snapshot gathers all that is shown.
func (c *core) snapshot() Snapshot {
	s := Snapshot{
		Tab:   c.mode,
		Clone: c.showTab(c.tabs[tts.Clone]), Control: c.showTab(c.tabs[tts.Control]), Design: c.showTab(c.tabs[tts.Design]),
		Status: c.showStatus(), Log: c.log.show(), Player: c.showPlayer(), Settings: c.showSettings(),
		Alert: c.shownAlert(), VoiceForm: c.showForm(), Busy: c.busy() > 0, Working: c.busy() > 0 || c.models.coming(), QuitQuestion: c.quitQuestion(),
	}
	s.Menu = showMenu(&s)
	return s
}

// showMenu is what the menu bar can do: what the buttons that are seen can.
func showMenu(s *Snapshot) Menu {
	tab := s.Selected()
	return Menu{
		Generate: tab.Generate, Stop: tab.Stop, SaveAs: tab.SaveAs,
		Play: s.Player.Play, Back: s.Player.Back, Forward: s.Player.Forward,
		Reveal:  Button{Title: "Show in Finder", Enabled: s.Player.Path != ""},
		CopyLog: s.Log.Copy, ClearLog: s.Log.Clear, Restart: s.Settings.Restart,
		Docs: Button{Title: "Server Endpoints", Enabled: s.Status.DocsURL() != ""},
	}
}

// showStatus tells how the server does.
func (c *core) showStatus() Status {
	s := Status{State: c.server.state, Retry: Button{Title: "Retry", Enabled: c.server.state == ServerFailed, Tooltip: "Starts the server again."}}
	if session := c.server.session; session != nil {
		s.Address, s.Notice = session.Address, session.Notice
		if _, port, err := net.SplitHostPort(session.Address); err == nil {
			s.Port = port
		}
	}
	switch c.server.state {
	case ServerRunning:
		s.Text, s.Role = "Running on "+s.Address, Good
	case ServerStarting:
		s.Text, s.Role = "Starting the server...", Quiet
	case ServerStopping:
		s.Text, s.Role = "Stopping the server...", Quiet
	case ServerUnreachable:
		s.Text, s.Role = "The server does not answer. "+sentence(c.server.wrong.Error()), Caution
	case ServerFailed:
		s.Text, s.Role = "The server could not be started. "+sentence(c.server.wrong.Error()), Danger
	}
	if c.server.wrong != nil {
		s.Hint = tts.HintOf(c.server.wrong)
	}
	if c.server.stats != nil {
		s.addStats(c.server.stats)
	}
	return s
}

// addStats adds what the server tells of itself.
func (s *Status) addStats(stats *tts.Stats) {
	line := func(what string, mb *float64) {
		if mb == nil {
			return
		}
		if s.Tooltip != "" {
			s.Tooltip += "\n"
		}
		s.Tooltip += what + ": " + sizeText(*mb)
	}
	memory := stats.Memory
	if memory.RSSMB != nil {
		s.Memory = "RSS " + sizeText(*memory.RSSMB)
	}
	line("In memory (RSS)", memory.RSSMB)
	line("Footprint", memory.FootprintMB)
	line("Free on this machine", memory.AvailableMB)
	if stats.Engine.Device != "" {
		line("In use by MLX", &stats.Engine.MLXActiveMB)
		line("Kept by MLX", &stats.Engine.MLXCacheMB)
		s.Engine = "MLX " + stats.Engine.MLXVersion + " on the " + strings.ToUpper(stats.Engine.Device)
	}
	if stats.LastGeneration != nil {
		s.Speed = speedText(stats.LastGeneration.RealTimeFactor)
	}
	if stats.QueueLength > 0 {
		s.Queue = fmt.Sprintf("%d waiting", stats.QueueLength)
	}
}
