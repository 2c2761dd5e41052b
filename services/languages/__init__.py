"""The languages of the page: which there are, who reads which, and the catalogues of sentences in each."""
