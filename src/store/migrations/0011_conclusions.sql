-- Lists of changes ask for the conclusions of each: without this they read the whole verdicts, of which a change may have thousands.
CREATE INDEX verdict_conclusion ON verdict (change, conclusion);
