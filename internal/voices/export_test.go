package voices

// OnStep has f told between one change of the disk and the next.
func (s *Store) OnStep(f func()) { s.step = f }
