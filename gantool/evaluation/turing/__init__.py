"""The paper's user study (Table 1) as a local web page: can people tell refined from real images?"""
