"""Console and Dailies: the web page on which a producer reviews, picks and watches. Reads what everybody reads, writes by the doors that commands use."""
